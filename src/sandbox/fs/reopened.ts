/**
 * Files of a sandbox that were checked as places, opened for real.
 *
 * A place is opened again by its number in /proc/self/fd, which leads to the very file and not to
 * what has its name by now. Deno opens it, so reading and writing go on beside the event loop.
 *
 * @module
 */

import { failedWith, SyscallError } from "../../../ffi/c/errno.ts";
import { chmodFd } from "../../../ffi/files/entries.ts";
import {
  type Fd,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  open,
  openAt,
} from "../../../ffi/files/file.ts";
import type { OpenOptions } from "./file_types.ts";
import { openNewEntry, openPlace, requireFile } from "./place.ts";

/** The path by which this program alone reaches an open place. */
export function ownPath(place: Fd): string {
  return `/proc/self/fd/${place.number}`;
}

/** What a call gives that Deno makes by a path of {@linkcode ownPath}, with the errno it fails with. */
export async function byOwnPath<Result>(
  syscall: string,
  path: string,
  call: () => Promise<Result>,
): Promise<Result> {
  try {
    return await call();
  } catch (cause) {
    const errno = numberOfDenos(cause);
    if (errno === undefined) throw cause;
    throw new SyscallError(syscall, errno, path);
  }
}

/** Deno's message ends with it: `(os error 28)`. */
function numberOfDenos(error: unknown): number | undefined {
  const found = error instanceof Error ? /\(os error (\d+)\)/.exec(error.message) : null;
  return found === null ? undefined : Number(found[1]);
}

/** How often a file is looked for again that others make and remove all the time. */
const TRIES = 16;

/**
 * Opens a file of the sandbox, or makes it.
 *
 * @param umask of files that are made
 * @throws {SyscallError}
 * @throws {ContainerError} `Unsupported` for what is no ordinary file
 */
export async function openFile(
  root: Fd,
  path: string,
  options: OpenOptions,
  umask: number,
): Promise<Deno.FsFile> {
  const { read = false, write = false, append = false, truncate = false } = options;
  const { create = false, createNew = false, mode = 0o666 } = options;
  const access = { read: read || !(write || append), write: write && !append, append, truncate };
  for (let tries = 0; tries < TRIES; tries++) {
    using place = createNew ? undefined : findFile(root, path, create);
    if (place !== undefined) {
      requireFile(place, path);
      using _held = holdWithoutWait(place, path, access);
      return await byOwnPath("open", path, () => Deno.open(ownPath(place), access));
    }
    using made = makeFile(root, path, mode & ~umask, createNew);
    if (made !== undefined) {
      return await byOwnPath("open", path, () => Deno.open(ownPath(made), access));
    }
  }
  throw new SyscallError("open", EBUSY, path);
}

const EBUSY = 16;

/**
 * Opens a file unless a program inside has a lease on it (fcntl(2), F_SETLEASE): that would make the
 * opener wait for three quarters of a minute. As long as this one is open, nobody gets a lease that
 * another like it would break.
 *
 * @throws {SyscallError} EAGAIN if there is a lease; its holder is asked to give it up
 */
function holdWithoutWait(
  place: Fd,
  path: string,
  { read, write, append }: { readonly read: boolean; readonly write: boolean; append: boolean },
): Fd {
  const how = write || append ? (read ? O_RDWR : O_WRONLY) : O_RDONLY;
  try {
    return open(ownPath(place), how | O_NONBLOCK);
  } catch (error) {
    if (error instanceof SyscallError) throw new SyscallError("open", error.errno, path);
    throw error;
  }
}

/** Undefined where it is to be made. */
function findFile(root: Fd, path: string, create: boolean): Fd | undefined {
  try {
    return openPlace(root, path);
  } catch (error) {
    if (create && failedWith(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** Makes a file; undefined if somebody else was first, which is an error where it must be new. */
function makeFile(root: Fd, path: string, mode: number, isNew: boolean): Fd | undefined {
  using entry = openNewEntry(root, path);
  try {
    const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
    const file = openAt(entry.folder, entry.name, flags, mode & 0o777);
    chmodFd(file, mode); // whatever this program's umask is
    return file;
  } catch (error) {
    if (!isNew && failedWith(error, "EEXIST")) return undefined;
    throw error;
  }
}
