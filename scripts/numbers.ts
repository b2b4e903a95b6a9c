/**
 * The numbers that a script is called with.
 *
 * @module
 */

/**
 * The words of the command line as whole numbers.
 *
 * @throws {RangeError} for a word that is none: a soak of no rounds would find nothing
 */
export function numbersOf(words: readonly string[]): number[] {
  return words.map((word) => {
    if (/^\d+$/.test(word)) return Number(word);
    throw new RangeError(`${JSON.stringify(word)} is no whole number`);
  });
}
