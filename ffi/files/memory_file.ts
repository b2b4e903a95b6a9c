/**
 * Files that are memory, and have no name: memfd_create(2).
 *
 * @module
 */

import { Fd, read } from "./file.ts";
import { checked, libc } from "../c/libc.ts";
import { cString } from "../c/memory.ts";

const MFD_CLOEXEC = 1;
const SEEK_SET = 0;

/**
 * Makes a file that has no name and vanishes with its last fd, close-on-exec: memfd_create(2).
 *
 * @param name what /proc shows of it
 * @param flags further ones
 * @throws {SyscallError}
 */
export function memoryFile(name: string, flags = 0): Fd {
  const made = libc.memfd_create(cString(name), MFD_CLOEXEC | flags);
  return new Fd(checked("memfd_create", made, name));
}

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
 * The 32-bit number at the file's beginning, 0 if it is shorter: read(2).
 *
 * @throws {SyscallError}
 */
export function readNumber(fd: Fd): number {
  rewind(fd);
  const bytes = read(fd, 4) ?? new Uint8Array();
  return bytes.length < 4 ? 0 : new DataView(bytes.buffer).getInt32(0, true);
}
