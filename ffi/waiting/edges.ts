/**
 * Changes of an fd, rather than its state: epoll(7), edge-triggered.
 *
 * @module
 */

import { Fd } from "../files/file.ts";
import { checked, libc } from "../c/libc.ts";
import { EPOLLIN, EPOLLOUT, EVENT_DATA, EVENT_SIZE, type Poller } from "./poll.ts";
import { SyscallProgram } from "../program/program.ts";

const EPOLLET = 0x80000000;
const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;

/**
 * Tells each time when an fd becomes readable or writable again, even if it was so before. On a
 * terminal's master end this means that the program has written something, or has read what was
 * typed.
 */
export class Edges implements Disposable {
  readonly #epoll: Fd;
  readonly #poller: Poller;

  /**
   * Watches from now on; the fd's present state counts as the first event.
   *
   * @throws {SyscallError}
   */
  constructor(fd: Fd, poller: Poller) {
    this.#poller = poller;
    this.#epoll = new Fd(checked("epoll_create1", libc.epoll_create1(EPOLL_CLOEXEC)));
    const event = new Uint8Array(EVENT_SIZE);
    const view = new DataView(event.buffer);
    view.setUint32(0, (EPOLLIN | EPOLLOUT | EPOLLET) >>> 0, true);
    view.setUint32(EVENT_DATA, fd.number, true);
    try {
      const { number } = this.#epoll;
      checked("epoll_ctl", libc.epoll_ctl(number, EPOLL_CTL_ADD, fd.number, event));
    } catch (error) {
      this.#epoll.close();
      throw error;
    }
  }

  /** Waits until something has happened since the last time; false once it is disposed of. */
  async next(): Promise<boolean> {
    if (!this.#epoll.isOpen) return false;
    await this.#poller.wait(this.#epoll);
    if (!this.#epoll.isOpen) return false;
    new SyscallProgram([{
      syscall: "epoll_pwait",
      args: [this.#epoll.number, { space: EVENT_SIZE, name: "events" }, 1, 0, 0, 8],
    }]).run();
    return true;
  }

  /** Stops watching. */
  [Symbol.dispose](): void {
    if (!this.#epoll.isOpen) return;
    this.#poller.cancel(this.#epoll);
    this.#epoll.close();
  }
}
