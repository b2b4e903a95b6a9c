/**
 * Files that are memory, and have no name: memfd_create(2).
 *
 * @module
 */

import { Fd } from "./file.ts";
import { readFromStart } from "./offset.ts";
import { checked, libc } from "../c/libc.ts";
import { cString } from "../c/memory.ts";

const MFD_CLOEXEC = 1;

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
 * The 32-bit number at the file's beginning, 0 if it is shorter: read(2).
 *
 * @throws {SyscallError}
 */
export function readNumber(fd: Fd): number {
  const bytes = readFromStart(fd, 4);
  return bytes.length < 4 ? 0 : new DataView(bytes.buffer).getInt32(0, true);
}
