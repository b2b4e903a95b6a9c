/**
 * Text that came from a container, an image or a hook, as it may stand on a terminal.
 *
 * @module
 */

/**
 * What acts on a terminal or turns the order of what is read: control characters but tab and newline,
 * C1's too, and the controls of direction and of lines of Unicode.
 */
// deno-lint-ignore no-control-regex -- they are what is looked for
const CONTROLS = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * The text with what acts on a terminal written out, as JSON does: JSON stays what it says.
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
