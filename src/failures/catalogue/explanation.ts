/**
 * What the catalogue says of a word that stands in errors.
 *
 * @module
 */

/** A word of an error, explained. */
export interface Explanation {
  /** What it means, in a sentence or two. */
  readonly meaning: string;
  /** What it mostly comes from, the most frequent first. */
  readonly causes: readonly string[];
  /** What to do, the first thing to try first. */
  readonly remedies: readonly string[];
}
