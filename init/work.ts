/**
 * The work between a plan's operations that needs TypeScript, in init or, for a child without, in
 * its parent.
 *
 * @module
 */

import { SyscallError } from "../ffi/errno.ts";
import type { Fd } from "../ffi/file.ts";
import { ContainerError } from "../src/errors.ts";
import { copyUp } from "./copy_up.ts";
import type { CopyUp } from "./operation.ts";

/**
 * Does it.
 *
 * @param doors the files of the container's cgroups, by fd: what it takes is charged to them
 * @throws {ContainerError} `InitFailed`
 */
export function doWork(
  { reason, step, path, pointer }: CopyUp,
  from: Fd,
  to: Fd,
  doors: readonly number[],
): void {
  try {
    copyUp(from, to, doors);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    throw new ContainerError("InitFailed", `cannot ${reason}: ${error.message}`, {
      step,
      syscall: error.syscall,
      errno: error.code,
      path: error.path ?? path,
      pointer,
      hint: HINTS[error.code],
    });
  }
}

const HINTS: Readonly<Record<string, string>> = {
  ENOMEM: "what is copied takes more memory than the container's cgroup may use",
  ENOSPC: "what is copied takes more than the tmpfs may hold: give it a larger size=",
  ESTALE: "somebody moves the folders that are copied",
};
