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
 * @throws {ContainerError} `InitFailed`
 */
export function doWork({ reason, step, path, pointer }: CopyUp, from: Fd, to: Fd): void {
  try {
    copyUp(from, to);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    throw new ContainerError("InitFailed", `cannot ${reason}: ${error.message}`, {
      step,
      syscall: error.syscall,
      errno: error.code,
      path: error.path ?? path,
      pointer,
    });
  }
}
