/**
 * The lock of an open file, without waiting.
 *
 * @module
 */

import { failedWith } from "../c/errno.ts";
import { checked, libc } from "../c/libc.ts";
import type { Fd } from "./file.ts";

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;

/**
 * Takes the exclusive lock of an open file if nobody holds it: flock(2). It is released when the
 * last fd of the open file is closed.
 *
 * @returns whether the lock was taken
 * @throws {SyscallError}
 */
export function tryLock(fd: Fd): boolean {
  return tryFlock(fd, LOCK_EX);
}

/**
 * The same for the shared lock, which any number of holders may have while nobody has the exclusive
 * one.
 *
 * @returns whether the lock was taken
 * @throws {SyscallError}
 */
export function tryLockShared(fd: Fd): boolean {
  return tryFlock(fd, LOCK_SH);
}

function tryFlock(fd: Fd, kind: number): boolean {
  try {
    checked("flock", libc.flock(fd.number, kind | LOCK_NB));
    return true;
  } catch (error) {
    if (failedWith(error, "EAGAIN")) return false;
    throw error;
  }
}
