/**
 * What a program writes, taken into memory up to a limit.
 *
 * @module
 */

import { type Fd, readInto } from "../../ffi/files/file.ts";
import { setNonBlocking } from "../../ffi/files/pipe.ts";
import type { Poller } from "../../ffi/waiting/poll.ts";
import type { Bytes } from "./input.ts";

const CHUNK = 65_536;

/** One pipe from a program, which is read from now on. */
export class TakenOutput {
  /** Resolves once nobody can write to the pipe any more, or it was given up. */
  readonly done: Promise<void>;
  readonly #fd: Fd;
  readonly #poller: Poller;
  readonly #chunks: Bytes[] = [];
  #left: number;
  #isTruncated = false;
  #isStopping = false;

  /**
   * Begins to read.
   *
   * @param fd the pipe's end, which is taken over
   * @param limit how many bytes are kept
   * @param onMore called when more than that was written; the pipe is closed then
   */
  constructor(fd: Fd, poller: Poller, limit: number, onMore: () => void) {
    setNonBlocking(fd);
    this.#fd = fd;
    this.#poller = poller.endless;
    this.#left = limit;
    this.done = this.#take(onMore);
  }

  /** Whether more was written than was taken. */
  get isTruncated(): boolean {
    return this.#isTruncated;
  }

  /** Reads what is in the pipe already, and gives it up. */
  stop(): void {
    this.#isStopping = true;
    if (this.#fd.isOpen) this.#poller.cancel(this.#fd);
  }

  /** What was taken. */
  bytes(): Bytes {
    if (this.#chunks.length === 1) return this.#chunks[0] as Bytes;
    const bytes = new Uint8Array(this.#chunks.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const chunk of this.#chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  }

  async #take(onMore: () => void): Promise<void> {
    using fd = this.#fd;
    const buffer = new Uint8Array(CHUNK);
    for (;;) {
      const count = readInto(fd, buffer);
      if (count === 0 || (count === undefined && this.#isStopping)) return;
      if (count === undefined) await this.#poller.wait(fd);
      else {
        if (!this.#keep(buffer.subarray(0, count))) break;
        await this.#poller.giveTurn(); // a program may write faster than this one reads
      }
    }
    onMore();
  }

  /** Keeps it as far as the limit goes; false if that is less than all of it. */
  #keep(chunk: Bytes): boolean {
    const kept = chunk.slice(0, this.#left);
    this.#left -= kept.length;
    this.#isTruncated = kept.length < chunk.length;
    if (kept.length > 0) this.#chunks.push(kept);
    return !this.#isTruncated;
  }
}
