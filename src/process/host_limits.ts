/**
 * Settings of a process that only the host's root may change, made from the host's side.
 *
 * @module
 */

import { failedWith, SyscallError } from "../../ffi/c/errno.ts";
import { syscallFailure } from "../failures/syscall_failure.ts";
import type { ContainerError } from "../errors.ts";
import { isInUserNamespace } from "../own/rights.ts";
import { writeProcessFile } from "../security/procfs.ts";

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

/** A setting that the host refused. */
export function hostError(
  step: string,
  cause: unknown,
  pointer: string,
  path?: string,
): ContainerError {
  return syscallFailure(cause, "SystemError", "cannot do what the config asks for", {
    step,
    path: path ?? (cause instanceof SyscallError ? cause.path : undefined),
    pointer,
    hint: failedWith(cause, "EACCES", "EPERM") ? "it needs CAP_SYS_RESOURCE" : undefined,
  });
}
