/**
 * A process of a config with the caller's wishes laid over it.
 *
 * @module
 */

import type { Linux, ProcessConfig, User } from "../config/types/config.ts";
import type { Fault } from "../errors.ts";
import type { ProcessOptions } from "../process.ts";
import { grantCapabilities, heldCapabilities } from "../security/capabilities.ts";

/** The process with the capabilities that can be granted; the user is warned about the others. */
export function grantable(
  process: ProcessConfig,
  linux: Linux | undefined,
  onWarning: (warning: Fault) => void = () => {},
): ProcessConfig {
  if (process.capabilities === undefined) return process;
  const ownsNamespace = linux?.namespaces?.some(({ type }) => type === "user") ?? false;
  const held = heldCapabilities(ownsNamespace);
  const { capabilities, warnings } = grantCapabilities(process.capabilities, held);
  for (const warning of warnings) onWarning(warning);
  return { ...process, capabilities };
}

/** The config's process with the options laid over it. The caller resolves the user's name. */
export function mergeProcess(
  base: ProcessConfig | undefined,
  options: ProcessOptions,
  user: User | undefined,
): ProcessConfig {
  const whole = options.config ?? base ?? { cwd: "/" };
  const merged: ProcessConfig = {
    ...whole,
    ...defined("args", options.args),
    ...defined("env", environment(options.env ?? whole.env, options.extraEnv)),
    ...defined("cwd", options.cwd),
    ...defined("rlimits", options.rlimits),
    ...defined("capabilities", options.capabilities),
    ...defined("noNewPrivileges", options.noNewPrivileges),
    ...defined("terminal", options.terminal),
    ...defined("consoleSize", options.consoleSize),
    ...defined("apparmorProfile", options.apparmorProfile),
    ...defined("selinuxLabel", options.selinuxLabel),
    ...defined("user", user ?? whole.user),
  };
  if (options.additionalGids === undefined) return merged;
  return { ...merged, user: { ...merged.user, additionalGids: options.additionalGids } };
}

function environment(
  env: readonly string[] | undefined,
  extra: readonly string[] = [],
): readonly string[] | undefined {
  if (extra.length === 0) return env;
  const names = new Set(extra.map((entry) => entry.split("=")[0]));
  return [...(env ?? []).filter((entry) => !names.has(entry.split("=")[0])), ...extra];
}

function defined<Key extends string, Value>(
  key: Key,
  value: Value | undefined,
): Partial<Record<Key, Value>> {
  return value === undefined ? {} : { [key]: value } as Record<Key, Value>;
}
