/** Why no machine can be had. @module */

/** One line that says what is missing and what to do about it. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}
