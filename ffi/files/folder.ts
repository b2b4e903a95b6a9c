/**
 * What a folder holds, read by its fd. No path is used, since that may be too long or may have
 * changed; names are bytes.
 *
 * @module
 */

import type { Fd } from "./file.ts";
import { checked, libc } from "../c/libc.ts";

const BUFFER_SIZE = 32 * 1024;
const DT_DIR = 4;
// struct linux_dirent64: d_ino, d_off, 64 bits each; d_reclen, 16 bits; d_type, 8 bits; d_name
const LENGTH_OFFSET = 16;
const TYPE_OFFSET = 18;
const NAME_OFFSET = 19;

/**
 * The folders in an open folder: getdents64(2). Each name ends in NUL, as the calls that take one
 * want it. Works only on file systems that tell the type of an entry, as the kernel's own do.
 *
 * @param folder opened for reading, and read once
 * @throws {SyscallError} ENOENT if it has been removed
 */
export function subfolders(folder: Fd): Uint8Array<ArrayBuffer>[] {
  return readNames(folder, true);
}

/**
 * All that an open folder holds, by names like those of {@linkcode subfolders}.
 *
 * @param folder opened for reading, and read once
 * @throws {SyscallError}
 */
export function entries(folder: Fd): Uint8Array<ArrayBuffer>[] {
  return readNames(folder, false);
}

function readNames(folder: Fd, foldersAlone: boolean): Uint8Array<ArrayBuffer>[] {
  const found: Uint8Array<ArrayBuffer>[] = [];
  const buffer = new Uint8Array(BUFFER_SIZE);
  for (;;) {
    const size = checked("getdents64", libc.getdents64(folder.number, buffer, buffer.length));
    if (size === 0) return found;
    found.push(...namesIn(buffer.subarray(0, size), foldersAlone));
  }
}

/** The names in what getdents64(2) gave. */
export function namesIn(
  buffer: Uint8Array<ArrayBuffer>,
  foldersAlone = false,
): Uint8Array<ArrayBuffer>[] {
  const found: Uint8Array<ArrayBuffer>[] = [];
  const view = new DataView(buffer.buffer, buffer.byteOffset);
  for (let at = 0; at < buffer.length; at += view.getUint16(at + LENGTH_OFFSET, true)) {
    if (foldersAlone && view.getUint8(at + TYPE_OFFSET) !== DT_DIR) continue;
    const start = at + NAME_OFFSET;
    const name = buffer.slice(start, buffer.indexOf(0, start) + 1);
    if (!isDots(name)) found.push(name);
  }
  return found;
}

/** Whether a name is `.` or `..`. */
function isDots(name: Uint8Array): boolean {
  return name.length <= 3 && name.subarray(0, -1).every((byte) => byte === 0x2e);
}
