/**
 * Turns of this program's event loop, between pieces of work that would follow each other at once.
 *
 * @module
 */

import { SyscallProgram } from "../program/program.ts";

/** For how long the event loop may stand before it is given a turn. */
const AFTER_MS = 1;
/** Twenty microseconds as a timespec; the kernel makes some seventy of it. */
const MOMENT = new Uint8Array(new BigInt64Array([0n, 20_000n]).buffer);

/**
 * The turns of one loop. Whoever waits for one gets it alone: if several pieces of work went on in the
 * same turn, the loop would stand for all of them.
 */
export class Turns {
  #last: Promise<void> = Promise.resolve();
  #at = performance.now();
  #awaited = 0;

  /** Whether the loop has had none for a while. */
  get areDue(): boolean {
    return performance.now() - this.#at > AFTER_MS;
  }

  /** Whether somebody waits for one. */
  get isAwaited(): boolean {
    return this.#awaited > 0;
  }

  /** Notes that it has one now. */
  note(): void {
    this.#at = performance.now();
  }

  /**
   * Waits for one.
   *
   * Deno runs its timers only when it has nothing else to do. So a thread of the pool sleeps for the
   * shortest time it can; a timer would only fire after a millisecond or two.
   */
  next(): Promise<void> {
    const take = () => this.#take();
    this.#awaited++;
    this.#last = this.#last.then(take, take).finally(() => this.#awaited--);
    return this.#last;
  }

  async #take(): Promise<void> {
    await new SyscallProgram([{ syscall: "nanosleep", args: [MOMENT, 0] }]).runOffThread();
    this.note();
  }
}
