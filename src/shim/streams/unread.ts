/**
 * Fifos that nobody reads yet. A client may open one late: when the process that writes has ended,
 * which takes only milliseconds. If no other end were open by then, what was written would be lost,
 * and the client would wait for ever for somebody who writes.
 *
 * Source: fifo(7): whoever opens one end waits for the other.
 *
 * @module
 */

import { failedWith } from "../../../ffi/c/errno.ts";
import type { Fd } from "../../../ffi/files/file.ts";
import { pause } from "../../../ffi/waiting/abort.ts";
import { isReady } from "../../../ffi/waiting/poll.ts";
import { openRead } from "./targets.ts";

const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 100;
/** Who has not come by then does not come. */
const LIMIT_MS = 60_000;

/** The fifos of a process. */
export class Unread implements Disposable {
  readonly #names: string[] = [];
  readonly #ends: Fd[] = [];

  /** Adds one by its path. */
  add(name: string): void {
    this.#names.push(name);
  }

  /** Opens them, so that they stay while everything else is closed. Some end is still open. */
  hold(): void {
    for (const name of this.#names.splice(0)) {
      try {
        const end = openRead(name);
        if (end !== undefined) this.#ends.push(end);
      } catch (error) {
        if (!failedWith(error, "ENOENT")) throw error; // nobody can open it any more
      }
    }
  }

  /** Waits until all are read, or nobody is expected any more, and closes them. */
  async read(): Promise<void> {
    const limit = performance.now() + LIMIT_MS;
    for (let pauseMs = FIRST_PAUSE_MS;; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      for (const end of this.#ends.splice(0)) {
        if (isRead(end) || performance.now() > limit) end.close();
        else this.#ends.push(end);
      }
      if (this.#ends.length === 0) return;
      await pause(pauseMs);
    }
  }

  /** Closes them. */
  [Symbol.dispose](): void {
    for (const end of this.#ends.splice(0)) end.close();
  }
}

/** poll(2) tells of an error where nobody has the other end. */
function isRead(end: Fd): boolean {
  return !isReady(end, 0);
}
