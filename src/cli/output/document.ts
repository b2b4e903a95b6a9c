/**
 * A JSON document of a file, as Go's readers have it.
 *
 * @module
 */

/**
 * What the document holds. A lone surrogate, which no UTF-8 can say, is U+FFFD: in hull it would stand
 * for a byte (ffi/c/raw_text.ts).
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
