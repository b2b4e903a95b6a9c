/**
 * Reads the container's passwd(5) and group(5). A process in the container may have put anything in
 * their place: a file of a terabyte, a fifo, a device, a page of /proc, a circle of links. A file
 * that can't be read counts as missing.
 *
 * Source: passwd(5), group(5), openat2(2), statfs(2).
 *
 * @module
 */

import { SyscallError } from "../../ffi/c/errno.ts";
import { duplicate } from "../../ffi/files/descriptor.ts";
import {
  type Fd,
  O_NOCTTY,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  open,
  read,
} from "../../ffi/files/file.ts";
import { fileSystemType, S_IFMT, S_IFREG, statAt } from "../../ffi/files/file_status.ts";
import { decodeRaw } from "../../ffi/c/raw_text.ts";
import { openInside } from "./safe_path.ts";

/** The longest line in bytes, as in other runtimes. Reading ends at a longer one. */
export const MAX_LINE_BYTES = 65_536;
/** How many bytes of a file are read: enough for a million users. */
export const MAX_FILE_BYTES = 64 * 1024 * 1024;

/**
 * The kernel's own file systems: their files are produced as they are read, and opening one may
 * have an effect: magic(5), linux/magic.h.
 */
const PSEUDO_SYSTEMS: ReadonlySet<number> = new Set([
  0x9fa0, // proc
  0x62656572, // sysfs
  0x0027e0eb, // cgroup
  0x63677270, // cgroup2
  0x64626720, // debugfs
  0x74726163, // tracefs
  0x73636673, // securityfs
  0xf97cff8c, // selinuxfs
  0x43415d53, // smackfs
  0x5a3c69f0, // apparmorfs
  0x62656570, // configfs
  0x42494e4d, // binfmt_misc
  0xcafe4a11, // bpf
  0x6165676c, // pstore
  0xde5e81e4, // efivarfs
  0x19800202, // mqueue
  0x65735543, // fusectl
  0x6e736673, // nsfs
  0x67596969, // rpc_pipefs
  0x6e667364, // nfsd
  0x07655821, // resctrl
  0x1cd1, // devpts
  0xabba1974, // xenfs
]);

/**
 * The fields of each line, one at a time, so that no more of the file is read than is looked at.
 *
 * @param root the container's root
 * @param path the file inside, to which no link leads out of the root; empty: `root` is the file
 *   itself
 */
export function* accountLines(root: Fd, path: string): Generator<readonly string[]> {
  using file = openAccountFile(root, path);
  if (file === undefined) return;
  for (const line of linesOf(file)) {
    if (line.length > 0) yield decodeRaw(line).split(":");
  }
}

/** The home folder of a user, from /etc/passwd; undefined if it names none. */
export function homeOf(root: Fd, uid: number): string | undefined {
  return homeIn(accountLines(root, "/etc/passwd"), uid);
}

/**
 * The sixth field of the user's first line that has one. A field with a NUL does not count, since a
 * path would end there.
 */
export function homeIn(lines: Iterable<readonly string[]>, uid: number): string | undefined {
  for (const { 2: id, 5: home } of lines) {
    if (id !== String(uid) || home === undefined || home === "") continue;
    if (!home.includes("\0")) return home;
  }
  return undefined;
}

/** Opens it as a place first and checks what it is; then opens exactly that file for reading. */
function openAccountFile(root: Fd, path: string): Fd | undefined {
  try {
    using place = path === "" ? duplicate(root) : openInside(root, path, O_PATH);
    if ((statAt(place, "").mode & S_IFMT) !== S_IFREG) return undefined;
    if (PSEUDO_SYSTEMS.has(fileSystemType(place))) return undefined;
    // If another process holds a lease on the file, the open must not wait for it.
    return open(`/proc/self/fd/${place.number}`, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  } catch (error) {
    if (error instanceof SyscallError) return undefined;
    throw error;
  }
}

const CHUNK = 16_384;
const NEWLINE = 10;

/** The lines up to the file's end, a read error, or a line that is too long. */
function* linesOf(file: Fd): Generator<Uint8Array> {
  let rest = new Uint8Array(0);
  for (let size = 0; size < MAX_FILE_BYTES;) {
    const chunk = tryRead(file);
    if (chunk.length === 0) break;
    size += chunk.length;
    let bytes = join(rest, chunk);
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE)) {
      yield bytes.subarray(0, end);
      bytes = bytes.subarray(end + 1);
    }
    if (bytes.length > MAX_LINE_BYTES) return;
    rest = bytes;
  }
  yield rest;
}

function tryRead(file: Fd): Uint8Array<ArrayBuffer> {
  try {
    return read(file, CHUNK) ?? new Uint8Array(0);
  } catch (error) {
    if (error instanceof SyscallError) return new Uint8Array(0);
    throw error;
  }
}

function join(
  head: Uint8Array<ArrayBuffer>,
  tail: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  if (head.length === 0) return tail;
  const all = new Uint8Array(head.length + tail.length);
  all.set(head);
  all.set(tail, head.length);
  return all;
}
