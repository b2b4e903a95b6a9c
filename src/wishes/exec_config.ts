/**
 * The process that `exec` runs: the container's own, with what the caller asks for laid over it.
 *
 * @module
 */

import type { Capabilities, Config, ProcessConfig, User } from "../config/types/config.ts";
import { validateProcess } from "../config/validate/validate_process.ts";
import { ContainerError } from "../errors.ts";
import type { ProcessOptions } from "../process.ts";
import { mergeProcess } from "./process_wishes.ts";

/**
 * The container's process with the options over it, without its terminal.
 *
 * @param user the options' user, as ids
 * @throws {ContainerError} `ConfigInvalid`
 */
export function processToExec(
  config: Config,
  options: ProcessOptions,
  user: User | undefined,
): ProcessConfig {
  const own = config.process ?? { cwd: "/" };
  const whole = options.config === undefined
    ? { ...own, terminal: false }
    : inContainer(own, options.config);
  const wishes = { ...options, config: undefined };
  const merged = mergeProcess(whole, wishes, withUmask(user, whole.user));
  if ((merged.args ?? []).length === 0) {
    throw new ContainerError("ConfigInvalid", "there is no program to run", {
      faults: [{ pointer: "/process/args", message: "must hold at least the program" }],
    });
  }
  const { addCapabilities = [] } = options;
  const capabilities = addCapabilities.length === 0
    ? merged.capabilities
    : withCapabilities(merged.capabilities ?? {}, addCapabilities);
  return validateProcess({ ...merged, ...(capabilities === undefined ? {} : { capabilities }) });
}

/**
 * A process that is given as a whole gets the container's limits where it names none. So a field
 * that was left out never allows more than the container has.
 */
function inContainer(own: ProcessConfig, whole: ProcessConfig): ProcessConfig {
  const { execCPUAffinity, rlimits, capabilities = {}, apparmorProfile, selinuxLabel } = own;
  const { oomScoreAdj } = own;
  const named = Object.fromEntries(Object.entries(whole).filter(([, value]) => value !== ""));
  const umask = whole.user?.umask ?? own.user?.umask;
  return {
    execCPUAffinity,
    rlimits,
    capabilities,
    apparmorProfile,
    selinuxLabel,
    ...(oomScoreAdj === undefined ? {} : { oomScoreAdj }),
    ...named as unknown as ProcessConfig,
    ...(umask === undefined ? {} : { user: { ...whole.user, umask } }),
  };
}

function withUmask(user: User | undefined, base: User | undefined): User | undefined {
  if (user === undefined || base?.umask === undefined || user.umask !== undefined) return user;
  return { ...user, umask: base.umask };
}

/**
 * The inheritable set is not extended: otherwise a program with file capabilities would gain the
 * added ones (CVE-2022-29162). A capability that is not inheritable can't be ambient either.
 */
function withCapabilities(base: Capabilities, added: readonly string[]): Capabilities {
  const join = (set: readonly string[] = []) => [...new Set([...set, ...added])];
  const { inheritable = [] } = base;
  return {
    ...base,
    bounding: join(base.bounding),
    effective: join(base.effective),
    permitted: join(base.permitted),
    ...(inheritable.length === 0 ? {} : { ambient: join(base.ambient) }),
  };
}
