/**
 * openat2(2): opens a path with rules on how it may be walked.
 *
 * @module
 */

import { EAGAIN } from "../c/errno.ts";
import { Fd, type Folder, numberOf, O_CLOEXEC } from "./file.ts";
import { checked, libc } from "../c/libc.ts";
import { cString } from "../c/memory.ts";

/** The size of the longest path, with its NUL. */
export const PATH_MAX = 4096;
/** How many links the kernel follows before it takes a path for a circle. */
export const MAX_LINKS = 40;

/** The names that a path walks through; `..` is one of them. */
export function pathNames(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

/** Don't leave the mount on the way. */
export const RESOLVE_NO_XDEV = 0x01;
/** Don't follow links like /proc/PID/fd/N. */
export const RESOLVE_NO_MAGICLINKS = 0x02;
/** Don't follow any symbolic link. */
export const RESOLVE_NO_SYMLINKS = 0x04;
/** Fail on a way that leaves the folder. */
export const RESOLVE_BENEATH = 0x08;
/** Treat the folder as the root. */
export const RESOLVE_IN_ROOT = 0x10;

/** struct open_how: flags, mode, resolve, each 64 bits. */
export function openHow(flags: number, mode: number, resolve: number): Uint8Array<ArrayBuffer> {
  const how = new Uint8Array(24);
  const view = new DataView(how.buffer);
  view.setBigUint64(0, BigInt(flags | O_CLOEXEC), true);
  view.setBigUint64(8, BigInt(mode), true);
  view.setBigUint64(16, BigInt(resolve), true);
  return how;
}

/**
 * How often an openat2 is made again. With RESOLVE_BENEATH or RESOLVE_IN_ROOT the kernel gives up
 * at a `..`, in a path or a link, with EAGAIN if anything on the host is renamed or mounted at that
 * moment.
 */
export const OPENAT2_TRIES = 255;

/**
 * Opens `path` under `folder`, close-on-exec, walking only as `resolve` allows.
 *
 * @throws {SyscallError} EXDEV or ELOOP where the rules are broken; ENOSYS before Linux 5.6; EAGAIN
 *   if the host renames or mounts all the time
 */
export function openAt2(
  folder: Folder,
  path: string,
  flags: number,
  resolve: number,
  mode = 0,
): Fd {
  const [name, how] = [cString(path), openHow(flags, mode, resolve)];
  let fd = libc.openat2(numberOf(folder), name, how, how.length);
  for (let tries = OPENAT2_TRIES; fd === -EAGAIN && tries > 0; tries--) {
    fd = libc.openat2(numberOf(folder), name, how, how.length);
  }
  return new Fd(checked("openat2", fd, path));
}
