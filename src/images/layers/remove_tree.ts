/**
 * Removes files by the fd of the folder that they are in, so that no link is followed.
 *
 * @module
 */

import { failedWith } from "../../../ffi/c/errno.ts";
import { decodeRaw } from "../../../ffi/c/raw_text.ts";
import { unlinkAt } from "../../../ffi/files/entries.ts";
import {
  AT_REMOVEDIR,
  type Fd,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  openAt,
} from "../../../ffi/files/file.ts";
import { entries } from "../../../ffi/files/folder.ts";

/**
 * Removes a file, or a folder with all that is in it. It may be missing.
 *
 * @throws {SyscallError}
 */
export function removeTree(folder: Fd, name: string): void {
  try {
    unlinkAt(folder, name);
  } catch (error) {
    if (failedWith(error, "ENOENT")) return;
    if (!failedWith(error, "EISDIR", "EPERM")) throw error;
    using inside = openAt(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    for (const each of namesIn(inside)) removeTree(inside, each);
    unlinkAt(folder, name, AT_REMOVEDIR);
  }
}

/**
 * What an open folder holds.
 *
 * @throws {SyscallError}
 */
export function namesIn(folder: Fd): string[] {
  return entries(folder).map((name) => decodeRaw(name.subarray(0, -1)));
}
