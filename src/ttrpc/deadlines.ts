/**
 * Time limits of calls, most of which end long before: one timer for all of them, which stays as it
 * is when a call ends. An {@linkcode ../../ffi/waiting/alarm.ts | Alarm} would begin and end a wait
 * for each.
 *
 * @module
 */

import { timerMs } from "../../ffi/waiting/timers.ts";

/** One limit. */
interface Deadline {
  readonly atMs: number;
  readonly late: () => void;
}

/** The limits of one connection's calls. */
export class Deadlines implements Disposable {
  readonly #open = new Set<Deadline>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #firesAt = Infinity;

  /**
   * Calls back once a time is over.
   *
   * @returns what forgets it
   */
  add(timeoutMs: number, late: () => void): () => void {
    const deadline = { atMs: performance.now() + timeoutMs, late };
    this.#open.add(deadline);
    if (deadline.atMs < this.#firesAt) this.#arm(deadline.atMs);
    return () => this.#open.delete(deadline);
  }

  /** Forgets all. */
  [Symbol.dispose](): void {
    this.#open.clear();
    this.#disarm();
  }

  #arm(atMs: number): void {
    clearTimeout(this.#timer);
    this.#firesAt = atMs;
    const restMs = Math.max(0, atMs - performance.now());
    this.#timer = setTimeout(() => this.#fire(), timerMs(restMs));
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#firesAt = Infinity;
  }

  #fire(): void {
    this.#disarm();
    const now = performance.now();
    for (const deadline of [...this.#open].toSorted((a, b) => a.atMs - b.atMs)) {
      if (deadline.atMs > now || !this.#open.delete(deadline)) continue;
      deadline.late();
    }
    const next = Math.min(...[...this.#open].map(({ atMs }) => atMs));
    if (next < this.#firesAt) this.#arm(next);
  }
}
