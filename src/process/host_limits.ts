/**
 * Settings of a process that only the host's root may change, made from the host's side.
 *
 * @module
 */

import { failedWith } from "../../ffi/c/errno.ts";
import { syscallFailure } from "../failures/syscall_failure.ts";
import { SyscallError } from "../../ffi/c/errno.ts";
import { SyscallProgram } from "../../ffi/program/program.ts";
import { setLimit } from "../../ffi/processes/rlimit.ts";
import { initFailure } from "../../init/operations/failure.ts";
import type { PlannedOperation } from "../../init/operations/operation.ts";
import { setScheduler } from "../../init/steps/process/scheduling.ts";
import type { Rlimit, Scheduler } from "../config/types/config.ts";
import type { ContainerError } from "../errors.ts";
import { isInUserNamespace } from "../own/rights.ts";
import { writeProcessFile } from "../security/procfs.ts";

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

/** Sets how likely the kernel is to kill the process when memory runs out: proc(5). */
export function adjustOomScore(pid: number, score: number | undefined): void {
  if (score === undefined) return;
  const path = `/proc/${pid}/oom_score_adj`;
  try {
    writeProcessFile(pid, "oom_score_adj", String(score));
  } catch (cause) {
    // Who is not the host's root can't lower it; runc and crun leave it as it is, too.
    if (failedWith(cause, "EACCES") && (Deno.uid() !== 0 || isInUserNamespace())) return;
    throw hostError("limits", cause, "/process/oomScoreAdj", path);
  }
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

function hostError(step: string, cause: unknown, pointer: string, path?: string): ContainerError {
  return syscallFailure(cause, "SystemError", "cannot do what the config asks for", {
    step,
    path: path ?? (cause instanceof SyscallError ? cause.path : undefined),
    pointer,
    hint: failedWith(cause, "EACCES", "EPERM") ? "it needs CAP_SYS_RESOURCE" : undefined,
  });
}
