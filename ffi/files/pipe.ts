/**
 * Pipes and pairs of sockets.
 *
 * @module
 */

import { failedWith } from "../c/errno.ts";
import { Fd, O_CLOEXEC } from "./file.ts";
import { checked, libc } from "../c/libc.ts";

/** The two ends of a pipe; disposing of it closes what is still open. */
export class Pipe implements Disposable {
  /** The end to read from. */
  readonly reader: Fd;
  /** The end to write to. */
  readonly writer: Fd;

  /**
   * Makes a pipe, close-on-exec: pipe2(2).
   *
   * @param flags further flags for both ends, such as O_NONBLOCK
   * @throws {SyscallError}
   */
  constructor(flags = 0) {
    const fds = new Int32Array(2);
    checked("pipe2", libc.pipe2(new Uint8Array(fds.buffer), flags | O_CLOEXEC));
    this.reader = new Fd(fds[0] as number);
    this.writer = new Fd(fds[1] as number);
  }

  /** Closes both ends. */
  [Symbol.dispose](): void {
    this.reader.close();
    this.writer.close();
  }
}

const F_SETFL = 4;
const F_GETFL = 3;
const O_NONBLOCK = 0o4000;

/**
 * Makes reads and writes of an fd return at once: fcntl(2).
 *
 * @throws {SyscallError}
 */
export function setNonBlocking(fd: Fd): void {
  const flags = checked("fcntl", libc.fcntl(fd.number, F_GETFL, 0));
  checked("fcntl", libc.fcntl(fd.number, F_SETFL, flags | O_NONBLOCK));
}

/**
 * Lets reads and writes of an fd wait: fcntl(2).
 *
 * @throws {SyscallError}
 */
export function setBlocking(fd: Fd): void {
  const flags = checked("fcntl", libc.fcntl(fd.number, F_GETFL, 0));
  checked("fcntl", libc.fcntl(fd.number, F_SETFL, flags & ~O_NONBLOCK));
}

const SPLICE_F_NONBLOCK = 2;

/**
 * Moves bytes from one fd to another, one of which is a pipe, within the kernel: splice(2). At any
 * moment one of the two has them, also when this program is killed.
 *
 * @returns how many; 0 at the end; undefined if there are none yet, or no room for them
 * @throws {SyscallError} EINVAL if neither is a pipe, or the other's driver can't do it
 */
export function moveBytes(from: Fd, to: Fd, most: number): number | undefined {
  try {
    return checked("splice", libc.splice(from.number, to.number, most, SPLICE_F_NONBLOCK));
  } catch (error) {
    if (failedWith(error, "EAGAIN")) return undefined;
    throw error;
  }
}
