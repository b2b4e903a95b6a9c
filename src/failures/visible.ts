/**
 * Makes text from a container, an image or a hook safe to show on a terminal.
 *
 * @module
 */

/**
 * Characters that act on a terminal or change the order of text: control characters (C0 but tab and
 * newline, and C1), and Unicode's controls for direction and lines.
 */
// deno-lint-ignore no-control-regex -- they are what is looked for
const CONTROLS = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * The text with such characters written as JSON escapes, so that JSON text keeps its meaning.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { visible } from "./visible.ts";
 *
 * assertEquals(visible("\x1b[2Jgone\n"), "\\u001b[2Jgone\n");
 * const json = JSON.stringify({ name: "\x9b2J" });
 * assertEquals(JSON.parse(visible(json)), { name: "\x9b2J" });
 * ```
 */
export function visible(text: string): string {
  return text.replaceAll(
    CONTROLS,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
