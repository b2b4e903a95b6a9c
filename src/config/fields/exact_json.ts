/**
 * Writes numbers that JavaScript has rounded as they were meant. RLIM_INFINITY, 2^64 - 1, is read
 * as 2^64 and would be printed as 18446744073709552000, which does not fit a 64-bit field.
 *
 * @module
 */

const INFINITE = 2 ** 64;
const WRITTEN = "18446744073709551615";

/** JSON.rawJSON of ECMAScript's proposal "JSON.parse source text access". */
const { rawJSON } = JSON as typeof JSON & { rawJSON(text: string): unknown };

/**
 * A value as JSON, like JSON.stringify.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { exactJson } from "./exact_json.ts";
 *
 * assertEquals(exactJson({ hard: 2 ** 64 }), '{"hard":18446744073709551615}');
 * ```
 */
export function exactJson(value: unknown, space?: number): string {
  const exact = (_: string, part: unknown) => part === INFINITE ? rawJSON(WRITTEN) : part;
  return JSON.stringify(value, exact, space);
}

/** A number as it was meant. */
export function exactNumber(value: number): string {
  return value === INFINITE ? WRITTEN : String(value);
}
