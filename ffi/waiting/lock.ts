/**
 * Waiting for the lock of an open file in the kernel's queue: the first to ask gets it first, and
 * nobody has to ask again and again.
 *
 * Source: flock(2).
 *
 * @module
 */

import { unlessAborted } from "./abort.ts";
import { EINTR, SyscallError } from "../c/errno.ts";
import { duplicate } from "../files/descriptor.ts";
import type { Fd } from "../files/file.ts";
import { tryLock } from "../files/file_lock.ts";
import { SyscallProgram } from "../program/program.ts";
import { timerMs } from "./timers.ts";

const LOCK_EX = 2;

/**
 * Takes the exclusive lock of an open file. The wait runs on a thread of Deno's pool, so the event
 * loop goes on. The lock is released with the fd.
 *
 * @returns false if somebody else held it all the time; close the fd then
 * @throws {SyscallError}
 * @throws the signal's reason
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { open } from "../files/file.ts";
 * import { waitForLock } from "./lock.ts";
 *
 * using folder = open("/proc/self");
 * assert(await waitForLock(folder, 1000));
 * ```
 */
export async function waitForLock(
  fd: Fd,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<boolean> {
  signal?.throwIfAborted();
  if (tryLock(fd)) return true;
  // A duplicate, so that the fd's number means this file for as long as the thread waits.
  const waiting = waitOffThread(duplicate(fd));
  const { promise: end, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), timerMs(timeoutMs));
  try {
    return await unlessAborted(Promise.race([waiting, end]), signal);
  } finally {
    clearTimeout(timer);
    waiting.catch(() => {}); // of who no longer waits
  }
}

async function waitOffThread(own: Fd): Promise<boolean> {
  using fd = own;
  for (;;) {
    const program = new SyscallProgram([{ syscall: "flock", args: [fd.number, LOCK_EX] }]);
    await program.runOffThread();
    const result = program.result(0);
    if (result === 0) return true;
    if (result !== -EINTR) throw new SyscallError("flock", -result);
  }
}
