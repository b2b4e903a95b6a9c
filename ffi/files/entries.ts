/**
 * What a folder holds, by name: made, linked, renamed, given to an owner, removed. Each call is
 * relative to an open folder.
 *
 * @module
 */

import { EEXIST, SyscallError } from "../c/errno.ts";
import { checked, libc } from "../c/libc.ts";
import { cString, fromCString } from "../c/memory.ts";
import {
  AT_FDCWD,
  bytesOf,
  type Fd,
  type Folder,
  numberOf,
  type PathBytes,
  textOf,
} from "./file.ts";

/**
 * Makes a folder: mkdirat(2).
 *
 * @throws {SyscallError}
 */
export function mkdirAt(folder: Folder, path: PathBytes, mode: number): void {
  const made = libc.mkdirat(numberOf(folder), bytesOf(path), mode);
  if (made < 0) throw new SyscallError("mkdirat", -made, textOf(path));
}

/**
 * The same for a path of the host that may be there already.
 *
 * @returns whether it was made
 * @throws {SyscallError} any but EEXIST
 */
export function makeFolder(path: string, mode: number): boolean {
  const made = libc.mkdirat(AT_FDCWD, cString(path), mode);
  if (made === -EEXIST) return false;
  checked("mkdirat", made, path);
  return true;
}

/**
 * Makes a fifo, device or file: mknodat(2). `mode` holds the type; `device` is its number.
 *
 * @throws {SyscallError}
 */
export function mknodAt(folder: Folder, path: PathBytes, mode: number, device = 0n): void {
  const made = libc.mknodat(numberOf(folder), bytesOf(path), mode, Number(device));
  checked("mknodat", made, textOf(path));
}

/**
 * Makes a symbolic link: symlinkat(2).
 *
 * @throws {SyscallError}
 */
export function symlinkAt(target: PathBytes, folder: Folder, path: PathBytes): void {
  const made = libc.symlinkat(bytesOf(target), numberOf(folder), bytesOf(path));
  checked("symlinkat", made, textOf(path));
}

/**
 * Gives a file a further name; a symbolic link is not followed: linkat(2).
 *
 * @throws {SyscallError}
 */
export function linkAt(from: Folder, name: PathBytes, to: Folder, further: PathBytes): void {
  const done = libc.linkat(numberOf(from), bytesOf(name), numberOf(to), bytesOf(further), 0);
  checked("linkat", done, textOf(further));
}

const RENAME_NOREPLACE = 1;

/**
 * Gives a file or folder of the host another name, unless there is one of that name: renameat2(2).
 *
 * @returns whether it was renamed
 * @throws {SyscallError} any but EEXIST
 */
export function renameNew(from: string, to: string): boolean {
  const flags = RENAME_NOREPLACE;
  const done = libc.renameat2(AT_FDCWD, cString(from), AT_FDCWD, cString(to), flags);
  if (done === -EEXIST) return false;
  checked("renameat2", done, from);
  return true;
}

/** The same, and what had that name before is gone. */
export function rename(from: string, to: string): void {
  checked("renameat2", libc.renameat2(AT_FDCWD, cString(from), AT_FDCWD, cString(to), 0), from);
}

/**
 * Gives a file or folder another name, in place of what had that name: renameat2(2).
 *
 * @throws {SyscallError}
 */
export function renameAt(folder: Folder, from: PathBytes, toFolder: Folder, to: PathBytes): void {
  const [old, name] = [bytesOf(from), bytesOf(to)];
  const done = libc.renameat2(numberOf(folder), old, numberOf(toFolder), name, 0);
  checked("renameat2", done, textOf(from));
}

const AT_SYMLINK_FOLLOW = 0x400;

/**
 * Gives an open file a further name: linkat(2). It may be open as a mere place (O_PATH).
 *
 * @throws {SyscallError} EEXIST, EXDEV on another mount, EPERM for a folder
 */
export function linkFd(file: Fd, folder: Folder, name: PathBytes): void {
  const from = cString(`/proc/self/fd/${file.number}`);
  const to = bytesOf(name);
  const done = libc.linkat(AT_FDCWD, from, numberOf(folder), to, AT_SYMLINK_FOLLOW);
  checked("linkat", done, textOf(name));
}

/**
 * Reads a symbolic link; with an empty path the one that `folder` (an O_PATH fd) is: readlinkat(2).
 *
 * @throws {SyscallError}
 */
export function readLinkAt(folder: Folder, path: string): string {
  return fromCString(readLinkBytes(folder, path));
}

/**
 * The same as bytes, with a NUL at the end.
 *
 * @throws {SyscallError}
 */
export function readLinkBytes(folder: Folder, path: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4097);
  const read = libc.readlinkat(numberOf(folder), cString(path), bytes, bytes.length - 1);
  return bytes.subarray(0, checked("readlinkat", read, path) + 1);
}

/**
 * Removes a file, or a folder with AT_REMOVEDIR: unlinkat(2).
 *
 * @throws {SyscallError}
 */
export function unlinkAt(folder: Folder, path: PathBytes, flags = 0): void {
  const done = libc.unlinkat(numberOf(folder), bytesOf(path), flags);
  if (done < 0) throw new SyscallError("unlinkat", -done, textOf(path));
}

/**
 * Sets a file's owner: fchownat(2); with an empty path and AT_EMPTY_PATH that of the fd.
 *
 * @throws {SyscallError}
 */
export function chownAt(
  folder: Folder,
  path: PathBytes,
  uid: number,
  gid: number,
  flags: number,
): void {
  const done = libc.fchownat(numberOf(folder), bytesOf(path), uid, gid, flags);
  checked("fchownat", done, textOf(path));
}

/**
 * Sets an open file's mode: fchmod(2).
 *
 * @throws {SyscallError}
 */
export function chmodFd(fd: Fd, mode: number): void {
  checked("fchmod", libc.fchmod(fd.number, mode));
}
