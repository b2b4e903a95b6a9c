/**
 * Plans that were made lately, for a program that does the same in the same container again and
 * again, as one that probes its health.
 *
 * @module
 */

import type { StoredState } from "./stored_state.ts";

/** How many are kept. */
const MOST = 32;

interface Wished {
  readonly container: StoredState;
  readonly wish: string;
}

interface Kept extends Wished {
  readonly plan: Disposable;
}

/** The plans that were used last. */
export class RecentPlans implements Disposable {
  /** The one that was used last is the last. */
  readonly #kept: Kept[] = [];
  /** The last wishes. */
  readonly #wished: Wished[] = [];
  /** Whether plans may hold files open: then somebody disposes of them. */
  readonly holdsFiles: boolean;

  /** Keeps none yet. */
  constructor(holdsFiles = false) {
    this.holdsFiles = holdsFiles;
  }

  /**
   * Takes the plan for a wish out, for one use at a time.
   *
   * @param container the very state that the plan was made for: what is read of an unchanged container
   *   again is the same object
   */
  take(container: StoredState, wish: string): Disposable | undefined {
    const at = this.#kept.findLastIndex((one) => one.container === container && one.wish === wish);
    return at < 0 ? undefined : this.#kept.splice(at, 1)[0]?.plan;
  }

  /**
   * Keeps a plan, in place of the one that was not used for longest. What is wished for the first time
   * may never be again: of that the wish alone is kept.
   */
  keep(container: StoredState, wish: string, plan: Disposable): void {
    const isOf = (one: Wished) => one.container === container && one.wish === wish;
    if (!this.#wished.some(isOf)) {
      this.#wished.push({ container, wish });
      if (this.#wished.length > MOST) this.#wished.shift();
      return plan[Symbol.dispose]();
    }
    if (this.#kept.some(isOf)) return plan[Symbol.dispose](); // of many at once one is enough
    this.#kept.push({ container, wish, plan });
    if (this.#kept.length > MOST) this.#kept.shift()?.plan[Symbol.dispose]();
  }

  /** Disposes of all. */
  [Symbol.dispose](): void {
    for (const { plan } of this.#kept.splice(0)) plan[Symbol.dispose]();
  }
}
