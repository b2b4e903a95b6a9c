/**
 * A terminal between its program and the fifos of containerd's client.
 *
 * @module
 */

import { failedWith } from "../../../ffi/c/errno.ts";
import { duplicate } from "../../../ffi/files/descriptor.ts";
import { type Fd, read } from "../../../ffi/files/file.ts";
import { moveBytes, setNonBlocking } from "../../../ffi/files/pipe.ts";
import { setWindowSize } from "../../../ffi/sockets/terminal.ts";
import { EPOLLIN, EPOLLOUT, type Poller } from "../../../ffi/waiting/poll.ts";
import { writeFully } from "../../../ffi/waiting/stream.ts";

const CHUNK = 32_768;

/** A terminal by its master end. */
export class Console implements Disposable {
  readonly #master: Fd;
  readonly #ends = new DisposableStack();
  readonly #poller: Poller;
  readonly #copies: Promise<void>[] = [];

  /** Takes the master end over. */
  constructor(master: Fd, poller: Poller) {
    this.#master = this.#ends.use(master);
    this.#poller = poller;
  }

  /**
   * Lets what is shown and typed flow.
   *
   * @param input both ends of a fifo, or nothing; stays the caller's
   * @param output the same
   */
  connect(input: Fd | undefined, output: Fd | undefined): void {
    setNonBlocking(this.#master);
    // The loops wait by fds of their own: only one may wait on each.
    if (input !== undefined) {
      this.#copies.push(this.#copy(this.#own(input), this.#own(this.#master)));
    }
    this.#copies.push(this.#copy(this.#own(this.#master), output && this.#own(output)));
  }

  /** Sets its size in characters. */
  resize(columns: number, rows: number): void {
    if (this.#master.isOpen) setWindowSize(this.#master, columns, rows);
  }

  /** Waits until all that was shown is written: until nobody has the program's end any more. */
  async drained(): Promise<void> {
    await this.#copies.at(-1);
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.#ends.dispose();
  }

  #own(fd: Fd): Fd {
    const own = duplicate(fd);
    this.#ends.defer(() => {
      if (!own.isOpen) return;
      this.#poller.cancel(own);
      own.close();
    });
    return own;
  }

  /** Without an output what is shown is dropped: an unread terminal would stop its program. */
  async #copy(from: Fd, to: Fd | undefined): Promise<void> {
    try {
      if (to === undefined || !await this.#move(from, to)) await this.#pass(from, to);
    } catch (error) {
      // EIO: nobody has the program's end; EPIPE: nor the fifo's; EBADF: it was closed meanwhile
      if (!failedWith(error, "EIO", "EPIPE", "EBADF")) throw error;
    }
  }

  /**
   * Lets the kernel move the bytes: if this program is killed, those that it had taken and not yet
   * written would be lost.
   *
   * @returns false if it can't
   */
  async #move(from: Fd, to: Fd): Promise<boolean> {
    for (let waits = false; from.isOpen && to.isOpen;) {
      try {
        const moved = moveBytes(from, to, CHUNK);
        if (moved === 0) return true;
        // What could not be moved although there is something finds no room.
        if (moved === undefined) {
          await this.#poller.wait(waits ? to : from, waits ? EPOLLOUT : EPOLLIN);
        }
        waits = moved === undefined && !waits;
      } catch (error) {
        if (failedWith(error, "EINVAL")) return false;
        throw error;
      }
    }
    return true;
  }

  async #pass(from: Fd, to: Fd | undefined): Promise<void> {
    while (from.isOpen) {
      const bytes = read(from, CHUNK);
      if (bytes === undefined) await this.#poller.wait(from, EPOLLIN);
      else if (bytes.length === 0) return;
      else if (to?.isOpen === true) await writeFully(to, bytes, this.#poller);
    }
  }
}
