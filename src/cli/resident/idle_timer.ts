/** When a program has had nothing to do for long enough. @module */

import { timerMs } from "../../../ffi/waiting/timers.ts";

/** Calls a function after a time in which nothing was busy. */
export class IdleTimer {
  readonly #time: number | undefined;
  readonly #end: () => void;
  #busy = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Begins to count.
   *
   * @param time in milliseconds; for ever without one
   */
  constructor(time: number | undefined, end: () => void) {
    this.#time = time;
    this.#end = end;
    this.#begin();
  }

  /** How much is busy. */
  get count(): number {
    return this.#busy;
  }

  /** Something is busy until the result is disposed of. */
  busy(): Disposable {
    this.#busy++;
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    return {
      [Symbol.dispose]: () => {
        this.#busy--;
        this.#begin();
      },
    };
  }

  #begin(): void {
    if (this.#time === undefined || this.#busy > 0) return;
    this.#timer = setTimeout(this.#end, timerMs(this.#time));
    Deno.unrefTimer(this.#timer);
  }
}
