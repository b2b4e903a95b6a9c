/**
 * Reads a JSON document as Go's readers do.
 *
 * @module
 */

/**
 * The document's value. A lone surrogate, which UTF-8 can't express, becomes U+FFFD: within hull it
 * would stand for a byte (ffi/c/raw_text.ts).
 *
 * @throws {SyntaxError}
 */
export function parseDocument(json: string): unknown {
  if (!/\\u[dD][89a-fA-F]/.test(json)) return JSON.parse(json);
  return JSON.parse(
    json,
    (_, value: unknown) => typeof value === "string" ? value.toWellFormed() : value,
  );
}
