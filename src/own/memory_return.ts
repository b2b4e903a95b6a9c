/**
 * Gives memory back to the system when a program that has done much comes to rest. What a burst of
 * work took stays the program's otherwise: the engine collects garbage only when it needs room, and
 * the C library keeps what was freed. After 60 commands at once that was more than all the rest.
 *
 * @module
 */

import { trimAllocations } from "../../ffi/c/allocations.ts";

/** How long nothing is done before. */
const REST_MS = 3000;
/** Less than so much done is not worth the milliseconds that it takes. */
const LEAST = 100;

/** `--expose-gc`; without that flag there is none. */
interface WithCollector {
  readonly gc?: () => void;
}

/** Counts what a program does. */
export class MemoryReturn implements Disposable {
  readonly #giveBack: () => void;
  readonly #restMs: number;
  #done = 0;
  #seen = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param giveBack what is done then */
  constructor(giveBack: () => void = giveMemoryBack, restMs: number = REST_MS) {
    this.#giveBack = giveBack;
    this.#restMs = restMs;
  }

  /** Something was done. */
  note(): void {
    this.#done++;
    if (this.#timer === undefined) this.#wait();
  }

  #wait(): void {
    this.#timer = setTimeout(() => this.#look(), this.#restMs);
    Deno.unrefTimer(this.#timer);
  }

  #look(): void {
    this.#timer = undefined;
    const isAtWork = this.#done !== this.#seen;
    this.#seen = this.#done;
    if (isAtWork) return this.#wait();
    if (this.#done < LEAST) return;
    this.#done = this.#seen = 0;
    this.#giveBack();
  }

  [Symbol.dispose](): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
  }
}

/** Collects garbage, and gives back what the C library has no use for: some ten milliseconds. */
export function giveMemoryBack(): void {
  (globalThis as WithCollector).gc?.();
  trimAllocations();
}
