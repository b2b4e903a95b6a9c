/**
 * What a hook reads, and what it writes.
 *
 * @module
 */

import { turn } from "../../ffi/waiting/abort.ts";
import { failedWith } from "../../ffi/c/errno.ts";
import { type Fd, read } from "../../ffi/files/file.ts";
import { setNonBlocking } from "../../ffi/files/pipe.ts";
import type { Poller } from "../../ffi/waiting/poll.ts";
import { writeFully } from "../../ffi/waiting/stream.ts";
import { visible } from "../failures/visible.ts";

/** Writes a hook's stdin. A hook may end without reading all of it. */
export async function feed(fd: Fd, text: string, poller: Poller): Promise<void> {
  try {
    await writeFully(fd, new TextEncoder().encode(text), poller);
  } catch (error) {
    if (!failedWith(error, "EPIPE", "EBADF")) throw error;
    return;
  }
  fd.close(); // the end of the state
}

const KEPT = 2048;
const CHUNK = 65_536;
/**
 * After how many chunks the event loop gets a turn, so that a hook's timeout can end it; and how
 * many chunks are read from children that the hook left behind.
 */
const TURN_AFTER = 16;

/**
 * The last part of what a hook wrote. It is read all the time, so that no hook has to wait for a
 * reader. A hook that writes for ever does not delay its timeout or this program.
 */
export class OutputTail {
  readonly #fd: Fd;
  readonly #poller: Poller;
  readonly #read: Promise<void>;
  #bytes = new Uint8Array(0);
  #isEnding = false;

  constructor(fd: Fd, poller: Poller) {
    this.#fd = fd;
    this.#poller = poller;
    setNonBlocking(fd);
    this.#read = this.#readOn();
  }

  /**
   * The output on one line. It does not wait for the pipe's end: a child that the hook left behind
   * may still hold the pipe.
   */
  async end(): Promise<string> {
    this.#isEnding = true;
    this.#poller.cancel(this.#fd);
    await this.#read;
    return visible(new TextDecoder().decode(this.#bytes).trim()).replaceAll(/\s*\n\s*/g, " | ");
  }

  async #readOn(): Promise<void> {
    for (let count = 1;; count++) {
      const chunk = read(this.#fd, CHUNK);
      if (chunk !== undefined) {
        if (chunk.length === 0) return;
        this.#keep(chunk);
        if (count % TURN_AFTER !== 0) continue;
      }
      if (this.#isEnding) return;
      if (chunk === undefined) await this.#poller.wait(this.#fd);
      else await turn(); // it writes as fast as this reads
    }
  }

  #keep(chunk: Uint8Array): void {
    const all = new Uint8Array(this.#bytes.length + chunk.length);
    all.set(this.#bytes);
    all.set(chunk, this.#bytes.length);
    this.#bytes = all.slice(-KEPT);
  }
}
