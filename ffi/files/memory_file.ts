/**
 * Files that are memory, and have no name: memfd_create(2).
 *
 * @module
 */

import { EINVAL } from "../c/errno.ts";
import { Fd } from "./file.ts";
import { readFromStart } from "./offset.ts";
import { checked, libc } from "../c/libc.ts";
import { cString } from "../c/memory.ts";

const MFD_CLOEXEC = 1;
const MFD_NOEXEC_SEAL = 8;
/** It is to be executed. */
export const MFD_EXEC = 0x10;

/**
 * Makes a file that has no name and vanishes with its last fd, close-on-exec: memfd_create(2).
 * Kernels before 6.3 don't know whether it is to be executed, and let every such file be.
 *
 * @param name what /proc shows of it
 * @param flags further ones; without them it can't be executed, now or later
 * @throws {SyscallError}
 */
export function memoryFile(name: string, flags: number = MFD_NOEXEC_SEAL): Fd {
  const all = MFD_CLOEXEC | flags;
  let made = libc.memfd_create(cString(name), all);
  if (made === -EINVAL) {
    made = libc.memfd_create(cString(name), all & ~(MFD_EXEC | MFD_NOEXEC_SEAL));
  }
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
