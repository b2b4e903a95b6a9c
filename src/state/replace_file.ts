/**
 * Files that others read while they are written.
 *
 * @module
 */

import { randomHex } from "../../ffi/c/random.ts";
import { rename, unlinkAt } from "../../ffi/files/entries.ts";
import { AT_FDCWD, O_CREAT, O_EXCL, O_WRONLY, open, writeAll } from "../../ffi/files/file.ts";

const encoder = new TextEncoder();

/**
 * Writes a file whole or not at all: a new file with an unpredictable name is written, and renamed
 * into its place. So even in a folder that others may write to, such as /tmp, they can't plant a
 * file or link that is written to.
 *
 * @param mode its permissions, less the umask's
 * @param ending the end of the temporary name
 * @throws {SyscallError}
 */
export function replaceFile(
  path: string,
  text: string,
  mode: number,
  ending: string = randomHex(16),
): void {
  const temporary = `${path}.${ending}`;
  using file = open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode); // which follows no link either
  try {
    writeAll(file, encoder.encode(text));
    rename(temporary, path);
  } catch (error) {
    unlinkAt(AT_FDCWD, temporary);
    throw error;
  }
}
