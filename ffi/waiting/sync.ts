/**
 * Waiting until files are on the disk.
 *
 * Source: syncfs(2).
 *
 * @module
 */

import { SyscallError } from "../c/errno.ts";
import { duplicate } from "../files/descriptor.ts";
import type { Fd } from "../files/file.ts";
import { SyscallProgram } from "../program/program.ts";

/**
 * Writes all that the file system of an open file has not written yet. It runs on a thread of Deno's
 * pool, so the event loop goes on.
 *
 * @throws {SyscallError} EIO, ENOSPC, EDQUOT: what was written before may be lost
 *
 * @example
 * ```ts
 * import { open } from "../files/file.ts";
 * import { syncFileSystem } from "./sync.ts";
 *
 * using folder = open("/dev/shm");
 * await syncFileSystem(folder);
 * ```
 */
export async function syncFileSystem(file: Fd): Promise<void> {
  using own = duplicate(file);
  const program = new SyscallProgram([{ syscall: "syncfs", args: [own.number] }]);
  await program.runOffThread();
  const result = program.result(0);
  if (result < 0) throw new SyscallError("syncfs", -result);
}
