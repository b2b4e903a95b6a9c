/**
 * Where in an open file the next read or write is: lseek(2).
 *
 * @module
 */

import { checked, libc } from "../c/libc.ts";
import { type Fd, read } from "./file.ts";

const SEEK_SET = 0;

/**
 * Goes back to the file's beginning: lseek(2).
 *
 * @throws {SyscallError}
 */
export function rewind(fd: Fd): void {
  seek(fd, 0);
}

/**
 * Goes to a place in the file, in bytes from its beginning: lseek(2).
 *
 * @throws {SyscallError}
 */
export function seek(fd: Fd, offset: number): void {
  checked("lseek", libc.lseek(fd.number, offset, SEEK_SET));
}

/**
 * Reads a small file from its beginning, wherever earlier reads ended. In a file that reports its
 * changes to poll(2), this marks the last change as seen.
 *
 * @throws {SyscallError} ENODEV if it is a cgroup's that is gone
 */
export function readFromStart(file: Fd, size = 4096): Uint8Array<ArrayBuffer> {
  rewind(file);
  return read(file, size) ?? new Uint8Array();
}
