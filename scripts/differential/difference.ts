/**
 * What a difference between two runtimes is, and what tells that it is known.
 *
 * @module
 */

import type { Part } from "./case.ts";
import type { Observation } from "./observe.ts";

/** One fact that is not the same. */
export interface Difference {
  /** Which fact. */
  readonly fact: string;
  /** Which way of hull's. */
  readonly way: string;
  readonly hull: string;
  readonly reference: string;
}

/** What is seen of a difference that may be known. */
export interface Compared {
  readonly parts: readonly Part[];
  readonly reference: Observation;
  readonly hull: Observation;
}

/** A difference that remains. */
export interface Known {
  readonly name: string;
  readonly reason: string;
  readonly covers: (difference: Difference, seen: Compared) => boolean;
}
