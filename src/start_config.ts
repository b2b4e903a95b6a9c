/**
 * The config that a process is started with: the container's, with the process's own wishes laid
 * over it.
 *
 * @module
 */

import type { Config, Linux, ProcessConfig, User } from "./config/types.ts";
import { validateConfig } from "./config/validate.ts";
import { ContainerError, type Fault } from "./errors.ts";
import type { ProcessOptions } from "./process.ts";
import { grantCapabilities, heldCapabilities } from "./security/capabilities.ts";
import { resolveUser } from "./user.ts";

/**
 * The config to start with.
 *
 * @param rootfs where the user's name is looked up
 * @param onWarning hears of capabilities that can't be granted
 * @throws {ContainerError} `ConfigInvalid`
 */
export function configToStart(
  config: Config,
  rootfs: string,
  options: ProcessOptions,
  onWarning: (warning: Fault) => void = () => {},
): Config {
  const user = resolveUser(options.user, rootfs);
  const process = mergeProcess(config.process, options, user);
  if ((process.args ?? []).length > 0) {
    // What a container keeps was checked when it was made.
    const valid = hasWishes(options) ? validateConfig({ ...config, process }) : config;
    return { ...valid, process: grantable(valid.process ?? process, valid.linux, onWarning) };
  }
  throw new ContainerError("ConfigInvalid", "there is no program to run", {
    faults: [{ pointer: "/process/args", message: "must hold at least the program" }],
  });
}

/** Whether the options change the config's process. */
function hasWishes(options: ProcessOptions): boolean {
  const { stdin: _0, stdout: _1, stderr: _2, preserveFds: _3, extraFiles: _4, ...wishes } = options;
  return Object.values(wishes).some((wish) => wish !== undefined);
}

/** The process with the capabilities that can be granted; the user hears of the others. */
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

/** The config's process with the options laid over it; the user is resolved by the caller. */
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
