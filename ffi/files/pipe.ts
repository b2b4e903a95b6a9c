/**
 * Pipes and pairs of sockets.
 *
 * @module
 */

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
