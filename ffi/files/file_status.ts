/**
 * What a file is: its type, its permissions, its device and mount.
 *
 * Source: statx(2), inode(7).
 *
 * @module
 */

import { SyscallError } from "../c/errno.ts";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  type Fd,
  type Folder,
  numberOf,
} from "./file.ts";
import { checked, libc } from "../c/libc.ts";
import { cString } from "../c/memory.ts";

/** File types in a mode, as in inode(7). */
export const S_IFMT = 0o170000;
/** A socket. */
export const S_IFSOCK = 0o140000;
/** A symbolic link. */
export const S_IFLNK = 0o120000;
/** A regular file. */
export const S_IFREG = 0o100000;
/** A block device. */
export const S_IFBLK = 0o060000;
/** A folder. */
export const S_IFDIR = 0o040000;
/** A character device. */
export const S_IFCHR = 0o020000;
/** A fifo. */
export const S_IFIFO = 0o010000;

/** What statx(2) says of a file, as far as hull asks. */
export interface FileStatus {
  /** Type and permissions. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly inode: bigint;
  /** Size in bytes. */
  readonly size: number;
  /** The device number of a device file, as `major:minor`. */
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** The id of the mount that the file was reached by (Linux 5.8), else 0. */
  readonly mountId: bigint;
  /** How many names it has. */
  readonly links: number;
  /** The device number of its file system, as `major:minor`. */
  readonly fileSystem: string;
}

/** How many bytes struct statx has. */
export const STATUS_SIZE = 256;
/** All that struct statx has of any file, and the mount. */
export const STATX_BASIC_AND_MOUNT = 0x17ff;

/**
 * What the file is: statx(2) with AT_SYMLINK_NOFOLLOW; with an empty path, the fd's own.
 *
 * @throws {SyscallError}
 */
export function statAt(folder: Folder, path: string): FileStatus {
  const status = tryStat(folder, path, AT_SYMLINK_NOFOLLOW);
  if (typeof status === "number") throw new SyscallError("statx", status, path);
  return status;
}

/**
 * The same for a path of the host, with an answer where there is no file: the errno. An error
 * object costs more than the call, and a caller that asks about many paths expects many of them to
 * be missing.
 *
 * @param follow whether a link at its end is followed
 */
export function tryStatPath(path: string, follow: boolean): FileStatus | number {
  return tryStat(AT_FDCWD, path, follow ? 0 : AT_SYMLINK_NOFOLLOW);
}

/** Whether a path names anything that this program can see, be it a dangling link. */
export function isThere(path: string): boolean {
  return typeof tryStatPath(path, false) !== "number";
}

function tryStat(folder: Folder, path: string, links: number): FileStatus | number {
  const bytes = new Uint8Array(STATUS_SIZE);
  const result = libc.statx(
    numberOf(folder),
    cString(path),
    links | (path === "" ? AT_EMPTY_PATH : 0),
    STATX_BASIC_AND_MOUNT,
    bytes,
  );
  return result < 0 ? -result : decodeStatus(bytes);
}

/** What struct statx says, which has {@linkcode STATUS_SIZE} bytes. */
export function decodeStatus(bytes: Uint8Array): FileStatus {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return {
    mode: view.getUint16(28, true),
    uid: view.getUint32(20, true),
    gid: view.getUint32(24, true),
    inode: view.getBigUint64(32, true),
    size: Number(view.getBigUint64(40, true)),
    deviceMajor: view.getUint32(128, true),
    deviceMinor: view.getUint32(132, true),
    mountId: view.getBigUint64(144, true),
    links: view.getUint32(16, true),
    fileSystem: `${view.getUint32(136, true)}:${view.getUint32(140, true)}`,
  };
}

/** The type of procfs: statfs(2). */
export const PROC_SUPER_MAGIC = 0x9fa0;

/**
 * The type of the file system that a file is on, such as {@linkcode PROC_SUPER_MAGIC}: fstatfs(2).
 *
 * @throws {SyscallError}
 */
export function fileSystemType(fd: Fd): number {
  const bytes = new Uint8Array(256); // struct statfs has 120 bytes
  checked("fstatfs", libc.fstatfs(fd.number, bytes));
  return Number(new DataView(bytes.buffer).getBigUint64(0, true));
}

/**
 * A device number as mknod(2) wants it, from its major and minor: makedev(3).
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { deviceNumber } from "./file_status.ts";
 * assert(deviceNumber(1, 3) === 0x103n);
 * ```
 */
export function deviceNumber(major: number, minor: number): bigint {
  const [a, i] = [BigInt(major), BigInt(minor)];
  return (i & 0xffn) | ((a & 0xfffn) << 8n) | ((i & ~0xffn) << 12n) | ((a & ~0xfffn) << 32n);
}
