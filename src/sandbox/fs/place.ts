/**
 * Places in a sandbox's file system, as they are found from outside.
 *
 * Programs inside may change every folder at any moment, so a path is walked once, by the kernel,
 * which keeps the walk below the sandbox's root (openat2(2), RESOLVE_IN_ROOT). What comes of it is
 * an fd, and all else is done by that.
 *
 * @module
 */

import { failedWith, SyscallError } from "../../../ffi/c/errno.ts";
import { readLinkAt } from "../../../ffi/files/entries.ts";
import { type Fd, O_DIRECTORY, O_NOFOLLOW, O_PATH } from "../../../ffi/files/file.ts";
import {
  type FileStatus,
  fileSystemType,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  statAt,
} from "../../../ffi/files/file_status.ts";
import { MAX_LINKS } from "../../../ffi/files/path.ts";
import { ContainerError } from "../../errors.ts";
import { openInside } from "../../security/safe_path.ts";

/** The last name of a path, and the open folder that it is in. */
export interface Entry extends Disposable {
  readonly folder: Fd;
  readonly name: string;
}

/**
 * Opens what a path leads to, as a mere place.
 *
 * @param root the sandbox's root
 * @param path absolute
 * @param follow whether a link at its end is followed
 * @throws {SyscallError}
 */
export function openPlace(root: Fd, path: string, follow = true): Fd {
  return openInside(root, path, follow ? O_PATH : O_PATH | O_NOFOLLOW);
}

/**
 * Opens the folder that a path's last name is in; the name itself is not looked at.
 *
 * @throws {SyscallError} EBUSY for the root itself
 */
export function openEntry(root: Fd, path: string): Entry {
  const names = path.split("/").filter((name) => name !== "");
  const name = names.pop();
  if (name === undefined || name === "." || name === "..") {
    throw new SyscallError("openat2", EBUSY, path);
  }
  const folder = openInside(root, `/${names.join("/")}`, O_PATH | O_DIRECTORY);
  return { folder, name, [Symbol.dispose]: () => folder.close() };
}

const EBUSY = 16;

/**
 * The entry that a file is to be made in. A link that leads to nothing is followed to the place
 * where its file would be, as open(2) does it.
 *
 * @throws {SyscallError} ELOOP
 */
export function openNewEntry(root: Fd, path: string): Entry {
  let rest = path;
  for (let links = 0; links <= MAX_LINKS; links++) {
    const entry = openEntry(root, rest);
    const target = linkIn(entry);
    if (target === undefined) return entry;
    entry[Symbol.dispose]();
    rest = target.startsWith("/") ? target : `${rest.replace(/\/+[^/]*\/*$/, "")}/${target}`;
  }
  throw new SyscallError("openat2", ELOOP, path);
}

const ELOOP = 40;

/** Where the link of an entry leads; undefined if it is none. */
function linkIn({ folder, name }: Entry): string | undefined {
  try {
    return readLinkAt(folder, name);
  } catch (error) {
    if (failedWith(error, "EINVAL", "ENOENT")) return undefined;
    throw error;
  }
}

/** What a file is. */
export function statusOf(place: Fd): FileStatus {
  return statAt(place, "");
}

/** Whether a place is a folder itself. */
export function isFolder(place: Fd): boolean {
  return (statusOf(place).mode & S_IFMT) === S_IFDIR;
}

/** Whether a place is a link itself. */
export function isLink(place: Fd): boolean {
  return (statusOf(place).mode & S_IFMT) === S_IFLNK;
}

/**
 * Refuses what is no ordinary file, before it is opened for real: a fifo would hold this program
 * up, to open a device acts on it, and the files of /proc and /sys act on the kernel, with this
 * program's rights. A program inside could have put a link to one in place of a file.
 *
 * @throws {ContainerError} `Unsupported`
 */
export function requireFile(place: Fd, path: string): void {
  const type = statusOf(place).mode & S_IFMT;
  if (type === S_IFDIR) throw new SyscallError("open", EISDIR, path);
  if (type === S_IFREG) requireStore(place, path);
  else throw notAFile(path, "it is no ordinary file, but a fifo, a socket, a device or a link");
}

const EISDIR = 21;

/**
 * Refuses a place on a file system of the kernel's own.
 *
 * @throws {ContainerError} `Unsupported`
 */
export function requireStore(place: Fd, path: string): void {
  if (!KERNEL_FILE_SYSTEMS.has(fileSystemType(place))) return;
  throw notAFile(path, "it is on a file system of the kernel's, such as /proc");
}

function notAFile(path: string, why: string): ContainerError {
  return new ContainerError("Unsupported", `${path} is not opened from outside: ${why}`, {
    path,
    errno: "EACCES",
    hint: "let a program inside do it, as in sandbox.sh`cat ${path}`",
  });
}

/** Their magic numbers: linux/magic.h. */
const KERNEL_FILE_SYSTEMS: ReadonlySet<number> = new Set([
  0x9fa0, // proc
  0x62656572, // sysfs
  0x27e0eb, // cgroup
  0x63677270, // cgroup2
  0x1cd1, // devpts
  0x19800202, // mqueue
  0x64626720, // debugfs
  0x74726163, // tracefs
  0x73636673, // securityfs
  0xcafe4a11, // bpf
  0xde5e81e4, // efivarfs
  0x62656570, // configfs
  0x42494e4d, // binfmt_misc
  0x6e736673, // nsfs
  0x65735546, // fuse: its server, which may be hostile, can let each call wait for ever
]);
