/**
 * When a file was changed last: utimensat(2).
 *
 * @module
 */

import { checked, libc } from "../c/libc.ts";
import {
  AT_SYMLINK_NOFOLLOW,
  bytesOf,
  type Folder,
  numberOf,
  type PathBytes,
  textOf,
} from "./file.ts";

/** A moment: whole seconds since 1970, and nanoseconds. */
export interface FileTime {
  readonly seconds: bigint;
  readonly nanoseconds: number;
}

/**
 * Sets both times of a file by its name in a folder; a symbolic link is not followed.
 *
 * @throws {SyscallError}
 */
export function setTimesAt(folder: Folder, path: PathBytes, time: FileTime): void {
  const name = bytesOf(path);
  const done = libc.utimensat(numberOf(folder), name, twice(time), AT_SYMLINK_NOFOLLOW);
  checked("utimensat", done, textOf(path));
}

/**
 * Sets both times of an open file.
 *
 * @throws {SyscallError}
 */
export function setTimes(file: Folder, time: FileTime): void {
  checked("utimensat", libc.utimensat(numberOf(file), null, twice(time), 0));
}

/** struct timespec[2]: of the last access, and of the last change. */
function twice({ seconds, nanoseconds }: FileTime): Uint8Array<ArrayBuffer> {
  const nanos = BigInt(nanoseconds);
  return new Uint8Array(new BigInt64Array([seconds, nanos, seconds, nanos]).buffer);
}
