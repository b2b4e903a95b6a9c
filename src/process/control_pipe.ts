/**
 * The words on a control pipe by which a child that waits goes on.
 *
 * @module
 */

import { failedWith } from "../../ffi/c/errno.ts";
import { type Fd, writeAll } from "../../ffi/files/file.ts";

/**
 * Lets a waiting child go on. It may have ended, killed for want of memory, say: then its own
 * message, or its status, says why.
 *
 * @throws {SyscallError} of a pipe that is there
 */
export function letGoOn(control: Fd): void {
  answer(control, new Uint8Array([1]));
}

/**
 * Gives a waiting child what it has asked for; it may have ended as well.
 *
 * @throws {SyscallError} of a pipe that is there
 */
export function answer(control: Fd, bytes: Uint8Array<ArrayBuffer>): void {
  try {
    writeAll(control, bytes);
  } catch (error) {
    if (!failedWith(error, "EPIPE")) throw error;
  }
}
