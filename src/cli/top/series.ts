/**
 * A minute of one value.
 *
 * @module
 */

/** How far back is looked, in milliseconds. */
export const MINUTE = 60_000;

/** The values of the last minute, each for the time before it in which it was measured. */
export class Series {
  readonly #ends: number[] = [];
  readonly #begins: number[] = [];
  readonly #values: number[] = [];

  /**
   * Adds one, and forgets those older than a minute.
   *
   * @param begin when its measurement began, in milliseconds
   * @param end when it ended, later than those before
   */
  add(begin: number, end: number, value: number): void {
    this.#begins.push(begin);
    this.#ends.push(end);
    this.#values.push(value);
    while ((this.#ends[0] ?? end) <= end - MINUTE) {
      this.#begins.shift();
      this.#ends.shift();
      this.#values.shift();
    }
  }

  /**
   * The minute in equal parts, the latest last: the highest value of each; undefined where nothing
   * was measured. The parts begin at whole multiples of their length, so that a later drawing shows
   * the same parts, further left.
   */
  parts(now: number, count: number): (number | undefined)[] {
    const length = MINUTE / count;
    const first = Math.ceil(now / length) - count;
    const parts = new Array<number | undefined>(count).fill(undefined);
    this.#values.forEach((value, k) => {
      const from = Math.max(0, Math.floor(this.#begins[k] as number / length) - first);
      const to = Math.min(count, Math.ceil(this.#ends[k] as number / length) - first);
      for (let part = from; part < to; part++) {
        const known = parts[part];
        if (known === undefined || value > known) parts[part] = value;
      }
    });
    return parts;
  }
}
