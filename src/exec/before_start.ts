/**
 * Whether a further process may join while the first one waits for the start.
 *
 * @module
 */

import { fieldIfAlive } from "../../ffi/processes/process_status.ts";
import { letsWait } from "../../init/steps/process/seccomp.ts";
import { keepsFilterRight } from "../../init/steps/process/user.ts";
import type { LoadableFilter } from "../security/filters/seccomp.ts";
import type { Config } from "../config/types/config.ts";
import { ContainerError } from "../errors.ts";

/**
 * Refuses a further process while the first one waits for the start with more rights than it will
 * have: the new process could trace it and get those rights. If the filter does not allow the wait,
 * the first process has no filter yet, and still the right to load it. A re-executed init that
 * could not become its last program still has threads with the host's rights.
 */
export function requireSafe(pid: number, config: Config, filter: LoadableFilter | undefined): void {
  const { capabilities, noNewPrivileges } = config.process ?? {};
  const isFiltered = filter === undefined ||
    letsWait(filter, keepsFilterRight(capabilities, noNewPrivileges !== true));
  const isAlone = (fieldIfAlive(pid, "Threads") ?? "1") === "1";
  if (isFiltered && isAlone) return;
  const why = isAlone
    ? "its filter denies what a process that waits behind it does: read, write, exit_group, capset"
    : "its init has had to stay the host's program: see sysctl vm.memfd_noexec, and --trace";
  throw new ContainerError("ContainerNotRunning", "no process can join before the start", {
    pointer: isAlone ? "/linux/seccomp" : undefined,
    hint: why,
  });
}
