/**
 * Chance of a case: what follows from a seed and a number alone.
 *
 * @module
 */

import { Random } from "../../tests/fixtures/random.ts";

/** The draws of one case. */
export class Chance {
  readonly #random: Random;

  /** Begins the draws of a case. */
  constructor(seed: number, number: number) {
    // neighbours must not be alike: their numbers are mixed before the generator's first draw
    let mixed = (Math.imul(seed, 0x9e37_79b1) ^ Math.imul(number + 1, 0x85eb_ca6b)) >>> 0;
    for (let round = 0; round < 3; round++) {
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b_3c6d) >>> 0;
    }
    this.#random = new Random((mixed ^ (mixed >>> 13)) >>> 0);
  }

  /** A whole number from 0 to `end`, without it. */
  below(end: number): number {
    return this.#random.below(end);
  }

  /** Once in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  /** One of a list. */
  of<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError("a draw from an empty list");
    return item;
  }

  /** Some of a list, at most `most`, perhaps one of them twice. */
  some<Item>(items: readonly Item[], most: number): Item[] {
    return Array.from({ length: this.below(most + 1) }, () => this.of(items));
  }
}
