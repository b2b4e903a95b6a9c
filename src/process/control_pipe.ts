/**
 * The word on a control pipe by which a child that waits goes on.
 *
 * @module
 */

import { failedWith } from "../../ffi/c/errno.ts";
import { type Fd, writeAll } from "../../ffi/files/file.ts";

/**
 * Lets a waiting child go on.
 *
 * @throws {SyscallError} EPIPE if it has ended
 */
export function letGoOn(control: Fd): void {
  writeAll(control, new Uint8Array([1]));
}

/**
 * The same where the child may have ended: its own message, or its status, says why then.
 *
 * @throws {SyscallError}
 */
export function letGoOnIfThere(control: Fd): void {
  try {
    letGoOn(control);
  } catch (error) {
    if (!failedWith(error, "EPIPE")) throw error;
  }
}
