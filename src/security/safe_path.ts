/**
 * Walks below an open folder that no link leads out of: by one openat2(2), or, where a kernel
 * before Linux 5.6 or an outer seccomp filter has no openat2, component by component.
 *
 * Source: openat2(2), path_resolution(7).
 *
 * @module
 */

import { ELOOP, EXDEV, failedWith, SyscallError } from "../../ffi/c/errno.ts";
import {
  AT_FDCWD,
  type Fd,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  openAt,
} from "../../ffi/files/file.ts";
import { duplicate } from "../../ffi/files/descriptor.ts";
import { readLinkAt } from "../../ffi/files/entries.ts";
import { S_IFDIR, S_IFLNK, S_IFMT, statAt } from "../../ffi/files/file_status.ts";
import {
  MAX_LINKS,
  openAt2,
  pathNames,
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} from "../../ffi/files/path.ts";

const PLACE = O_PATH | O_NOFOLLOW;

/**
 * Whether openat2(2) can be used, found out by a call. A filter that was made before openat2
 * answers EPERM or ENOSYS.
 */
export function hasOpenat2(): boolean {
  try {
    using _root = openAt2(AT_FDCWD, "/", O_PATH | O_DIRECTORY, RESOLVE_NO_MAGICLINKS);
    return true;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return false;
  }
}

/** Whether an error means that there is no openat2, or that a filter denies it. */
function isRefusal(error: unknown): boolean {
  return failedWith(error, "ENOSYS", "EPERM");
}

/**
 * Makes a call of openat2; undefined if openat2 is missing. Whether it is missing is only asked
 * after a refusal.
 */
function ifThereIs(call: () => Fd): Fd | undefined {
  try {
    return call();
  } catch (error) {
    if (!isRefusal(error) || hasOpenat2()) throw error;
    return undefined;
  }
}

/**
 * Opens a path below a folder as if the folder were the root: absolute links and `..` stay inside,
 * and links of /proc to open files are not followed.
 *
 * @param walk whether to do without openat2 where there is one
 * @throws {SyscallError} ELOOP for too many links, ENOENT, …
 */
export function openInside(root: Fd, path: string, flags: number, walk = false): Fd {
  const opened = walk
    ? undefined
    : ifThereIs(() => openAt2(root, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS));
  return opened ?? walkInside(root, path, flags);
}

function walkInside(root: Fd, path: string, flags: number): Fd {
  using stack = new DisposableStack();
  const way: Fd[] = [];
  let rest = pathNames(path);
  let links = 0;
  for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
    if (part === "..") {
      way.pop();
      continue;
    }
    const folder = way.at(-1) ?? root;
    const here = stack.use(openAt(folder, part, PLACE));
    const type = statAt(here, "").mode & S_IFMT;
    if (type === S_IFLNK) {
      if (++links > MAX_LINKS) throw new SyscallError("openat", ELOOP, path);
      const target = readLinkAt(here, "");
      if (target.startsWith("/")) way.length = 0;
      rest = [...pathNames(target), ...rest];
    } else if (rest.length === 0 && (flags & O_PATH) === 0) {
      return openAt(folder, part, flags | O_NOFOLLOW);
    } else if (rest.length === 0 && (type === S_IFDIR || (flags & O_DIRECTORY) === 0)) {
      return duplicate(here); // as in the kernel, a folder that may not be entered can be opened as a place
    } else {
      way.push(stack.use(openAt(here, ".", PLACE | O_DIRECTORY)));
    }
  }
  return openAt(way.at(-1) ?? root, ".", flags | O_NOFOLLOW);
}

/**
 * Opens a path below a folder. No part of it may be a link or lie on another mount. This is the
 * rule for /proc, where another mount could cover a file.
 *
 * @param walk whether to do without openat2 where there is one
 * @throws {SyscallError} ELOOP or ENOTDIR at a link, EXDEV at another mount
 */
export function openBeneath(folder: Fd, path: string, flags: number, walk = false): Fd {
  const opened = walk ? undefined : ifThereIs(() => openAt2(folder, path, flags, STRICT));
  return opened ?? walkBeneath(folder, path, flags);
}

function walkBeneath(folder: Fd, path: string, flags: number): Fd {
  using stack = new DisposableStack();
  const { mountId } = statAt(folder, "");
  let here = folder;
  const names = pathNames(path);
  for (const [k, name] of names.entries()) {
    if (name === "..") throw new SyscallError("openat", EXDEV, path);
    const isLast = k === names.length - 1;
    const next = openAt(here, name, isLast ? flags | O_NOFOLLOW : PLACE | O_DIRECTORY);
    if (!isLast) here = stack.use(next);
    const status = statAt(next, "");
    const isLink = (status.mode & S_IFMT) === S_IFLNK; // as a mere place a link opens, too
    if (status.mountId === mountId && !isLink) {
      if (isLast) return next;
      continue;
    }
    next.close();
    throw new SyscallError("openat", isLink ? ELOOP : EXDEV, path);
  }
  return openAt(folder, ".", flags);
}

const STRICT = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
