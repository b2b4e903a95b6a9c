/**
 * Limits that few processes need to be set from the host's side.
 *
 * @module
 */

import { setLimit } from "../../ffi/processes/rlimit.ts";
import { SyscallProgram } from "../../ffi/program/program.ts";
import { initFailure } from "../../init/operations/failure.ts";
import type { PlannedOperation } from "../../init/operations/operation.ts";
import { setScheduler } from "../../init/steps/process/scheduling.ts";
import type { Rlimit, Scheduler } from "../config/types/config.ts";
import { hostError } from "./host_limits.ts";

/** Limits that only the host's root may raise, for a child in a user namespace. */
export function limit(pid: number, rlimits: readonly Rlimit[]): void {
  rlimits.forEach(({ type, soft, hard }, k) => {
    try {
      setLimit(pid, type, soft, hard);
    } catch (cause) {
      throw hostError("limits", cause, `/process/rlimits/${k}`);
    }
  });
}

/**
 * Sets the scheduler of a child that a fork made without it.
 *
 * @throws {ContainerError} `InitFailed`
 */
export function schedule(pid: number, scheduler: Scheduler): void {
  const operations = setScheduler(scheduler, pid) as PlannedOperation[];
  const program = new SyscallProgram(operations);
  program.run();
  const failure = program.failure();
  if (failure === undefined) return;
  throw initFailure(operations[failure.index] as PlannedOperation, failure.errno);
}
