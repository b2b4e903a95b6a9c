/** What a failed assertion throws. @module */

/** An assertion that did not hold. */
export class AssertionError extends Error {
  /** Says what did not hold. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

/** The message of an assertion, with the caller's words behind it. */
export function withMessage(message: string, own: string | undefined): string {
  return own === undefined ? `${message}.` : `${message}: ${own}`;
}

/** A value for a message. */
export function show(value: unknown): string {
  return Deno.inspect(value, {
    depth: 100,
    sorted: true,
    compact: false,
    trailingComma: true,
    iterableLimit: 1000,
    strAbbreviateSize: 10_000,
  });
}
