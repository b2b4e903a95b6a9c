/**
 * Files that others read while they are written.
 *
 * @module
 */

import { EEXIST, SyscallError } from "../../ffi/c/errno.ts";
import { randomHex } from "../../ffi/c/random.ts";
import { rename, unlinkAt } from "../../ffi/files/entries.ts";
import { S_IFLNK, S_IFMT, S_IFREG, tryStatPath } from "../../ffi/files/file_status.ts";
import { AT_FDCWD, O_CREAT, O_EXCL, O_WRONLY, open, writeAll } from "../../ffi/files/file.ts";

const REPLACED: readonly number[] = [S_IFREG, S_IFLNK];
const encoder = new TextEncoder();

/**
 * Writes a file whole or not at all: a new file with an unpredictable name is written, and renamed
 * into its place. So even in a folder that others may write to, such as /tmp, they can't plant a
 * file or link that is written to.
 *
 * What is no regular file and no link is not replaced: a device such as /dev/null is the host's.
 *
 * @param mode its permissions, less the umask's
 * @param ending the end of the temporary name
 * @throws {SyscallError} EEXIST for a device, a fifo, a socket or a folder
 */
export function replaceFile(
  path: string,
  text: string,
  mode: number,
  ending: string = randomHex(16),
): void {
  const there = tryStatPath(path, false);
  if (typeof there !== "number" && !REPLACED.includes(there.mode & S_IFMT)) {
    throw new SyscallError("renameat2", EEXIST, path);
  }
  const temporary = `${path}.${ending}`;
  using file = open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode); // which follows no link either
  try {
    writeAll(file, encoder.encode(text));
    rename(temporary, path);
  } catch (error) {
    try {
      unlinkAt(AT_FDCWD, temporary);
    } catch {
      // the first error says why
    }
    throw error;
  }
}
