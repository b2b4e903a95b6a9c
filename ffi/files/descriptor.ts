/**
 * Descriptors as numbers: a second one of the same file, one above a number, one that execve keeps.
 *
 * @module
 */

import { F_DUPFD_CLOEXEC, FD_CLOEXEC } from "../c/fd_numbers.ts";
import { checked, libc } from "../c/libc.ts";
import { Fd, numberOf } from "./file.ts";

const F_GETFD = 1;

/**
 * A second, close-on-exec descriptor of the same open file, at least `minimum`: fcntl(2).
 *
 * @throws {SyscallError}
 */
export function duplicate(fd: number | Fd, minimum = 0): Fd {
  return new Fd(checked("fcntl", libc.fcntl(numberOf(fd), F_DUPFD_CLOEXEC, minimum)));
}

/**
 * The descriptor itself if its number is not below `minimum`, else one that is; the other is
 * closed.
 *
 * @throws {SyscallError}
 */
export function moveAbove(fd: Fd, minimum: number): Fd {
  if (fd.number >= minimum) return fd;
  using low = fd;
  return duplicate(low, minimum);
}

/** Whether a number is that of an open fd which stays open over execve: fcntl(2). */
export function isInheritable(fd: number): boolean {
  const flags = libc.fcntl(fd, F_GETFD, 0);
  return flags >= 0 && (flags & FD_CLOEXEC) === 0;
}
