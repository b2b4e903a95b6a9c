/**
 * A connected stream socket: bytes in as they come, bytes out in their order.
 *
 * @module
 */

import { failedWith } from "../../ffi/c/errno.ts";
import { duplicate } from "../../ffi/files/descriptor.ts";
import { type Fd, read } from "../../ffi/files/file.ts";
import { peek } from "../../ffi/sockets/unix_listener.ts";
import { sendSome } from "../../ffi/sockets/unix_socket.ts";
import { EPOLLIN, EPOLLOUT, type Poller } from "../../ffi/waiting/poll.ts";

/** What one read takes: most calls are short, and memory that is asked for is filled with zeros. */
const CHUNK = 4096;
/** What it takes as long as more comes than that. */
const LARGE_CHUNK = 65_536;
/** What may wait for a peer that does not read; then the connection is closed. */
const MOST_WAITING = 16 << 20;

/** Bytes that are to be sent, and who is told. */
interface Sending {
  rest: Uint8Array<ArrayBuffer>;
  readonly sent: ((rest?: Uint8Array<ArrayBuffer>) => void) | undefined;
}

/** One end of a connection. Its fd does not block. */
export class Channel implements Disposable {
  readonly #fd: Fd;
  readonly #poller: Poller;
  #queue: Sending[] = [];
  #queued = 0;
  #isSending = false;
  #chunk = CHUNK;
  #isDry = false;

  /** Takes the fd over. */
  constructor(fd: Fd, poller: Poller) {
    this.#fd = fd;
    this.#poller = poller;
  }

  /** Whether it can still be used. */
  get isOpen(): boolean {
    return this.#fd.isOpen;
  }

  /**
   * The next bytes; undefined at the end, whatever brought it.
   *
   * @param before called with the bytes before they are taken from the socket
   */
  async receive(
    before?: (bytes: Uint8Array<ArrayBuffer>) => void,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    for (;;) {
      if (this.#isDry && this.#fd.isOpen) await this.#poller.wait(this.#fd, EPOLLIN);
      if (!this.#fd.isOpen) return undefined;
      const chunk = this.#chunk;
      const bytes = before === undefined ? this.#read(chunk) : this.#readAfter(before, chunk);
      // What gives less than was asked for has no more for now.
      this.#isDry = bytes === undefined || bytes.length < chunk;
      this.#chunk = this.#isDry ? CHUNK : LARGE_CHUNK;
      if (bytes !== undefined) return bytes.length === 0 ? undefined : bytes;
    }
  }

  /** Takes these bytes from the socket if they are what comes next. */
  skip(bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes.length === 0) return;
    const next = peek(this.#fd, bytes.length);
    if (next?.length === bytes.length && next.every((byte, k) => byte === bytes[k])) {
      this.#read(bytes.length);
    }
  }

  /**
   * Sends bytes behind those that wait already; nothing happens once it is closed.
   *
   * @param sent called once they are on their way, and with the rest when a part of them is
   */
  send(bytes: Uint8Array<ArrayBuffer>, sent?: (rest?: Uint8Array<ArrayBuffer>) => void): void {
    if (!this.#fd.isOpen) return;
    this.#queue.push({ rest: bytes, sent });
    this.#queued += bytes.length;
    if (this.#queued > MOST_WAITING) this[Symbol.dispose]();
    else if (!this.#isSending) void this.#sendAll();
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.#queue = [];
    this.#queued = 0;
    if (!this.#fd.isOpen) return;
    this.#poller.cancel(this.#fd);
    this.#fd.close();
  }

  #readAfter(
    before: (bytes: Uint8Array<ArrayBuffer>) => void,
    size: number,
  ): Uint8Array<ArrayBuffer> | undefined {
    const bytes = peek(this.#fd, size);
    if (bytes === undefined || bytes.length === 0) return bytes;
    before(bytes);
    return this.#read(bytes.length);
  }

  #read(size: number): Uint8Array<ArrayBuffer> | undefined {
    try {
      return read(this.#fd, size);
    } catch (error) {
      if (failedWith(error, "ECONNRESET")) return new Uint8Array(0);
      throw error;
    }
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true;
    try {
      for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
        const sent = sendSome(this.#fd, next.rest);
        this.#queued -= sent;
        next.rest = next.rest.subarray(sent);
        if (next.rest.length === 0) {
          this.#queue.shift();
          next.sent?.();
        } else if (sent > 0) next.sent?.(next.rest);
        else await this.#mayWrite();
        if (!this.#fd.isOpen) return;
      }
    } catch {
      this[Symbol.dispose](); // nobody is at the other end
    } finally {
      this.#isSending = false;
    }
  }

  /** A second fd, since the loop waits for what can be read by the first one. */
  async #mayWrite(): Promise<void> {
    using own = duplicate(this.#fd);
    await this.#poller.wait(own, EPOLLOUT);
  }
}
