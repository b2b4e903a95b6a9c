/**
 * Text in columns of a terminal: how wide it is, cut or filled to a width. What others wrote is made
 * safe to show first.
 *
 * @module
 */

import { visible } from "../../failures/visible.ts";

/** Marks and joiners, which take no column of their own. */
const NARROWEST = /^[\p{Mn}\p{Me}]$/u;
/**
 * Characters that show nothing, or of which terminals differ in what they take: formats, private and
 * unassigned ones, halves of pairs, and those that choose another form of the one before.
 */
const DOUBTFUL = /[\p{Cf}\p{Co}\p{Cn}\p{Cs}\ufe00-\ufe0f]/gu;
/** Those that take two columns: Unicode's East Asian Wide and Fullwidth, and emoji. */
const WIDE = new RegExp(
  "^[\\u1100-\\u115f\\u231a\\u231b\\u2329\\u232a\\u2e80-\\u303e\\u3041-\\u33ff\\u3400-\\u4dbf" +
    "\\u4e00-\\u9fff\\ua000-\\ua4cf\\ua960-\\ua97c\\uac00-\\ud7a3\\uf900-\\ufaff\\ufe10-\\ufe19" +
    "\\ufe30-\\ufe6f\\uff01-\\uff60\\uffe0-\\uffe6\\u{16fe0}-\\u{18cff}\\u{1aff0}-\\u{1b2ff}" +
    "\\u{1f200}-\\u{1f2ff}\\u{20000}-\\u{3fffd}\\p{Emoji_Presentation}]$",
  "u",
);

/**
 * Text that others wrote, on one line, without anything that acts on a terminal.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { shown } from "./text.ts";
 *
 * assertEquals(shown("\x1b[2Ja\nb"), "\\u001b[2Ja\\nb");
 * ```
 */
export function shown(text: string): string {
  const line = visible(text.normalize("NFC")).replaceAll("\n", "\\n").replaceAll("\t", "\\t");
  return line.replaceAll(DOUBTFUL, "?");
}

/**
 * How many columns a text takes that {@linkcode shown} gave.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { widthOf } from "./text.ts";
 *
 * assertEquals(widthOf("名前"), 4);
 * assertEquals(widthOf("a\u0301"), 1);
 * ```
 */
export function widthOf(text: string): number {
  if (isPlain(text)) return text.length;
  let width = 0;
  for (const letter of text) width += widthOfLetter(letter);
  return width;
}

/** The text in so many columns: filled with spaces behind, or cut, which a sign at its end tells. */
export function fit(text: string, width: number, more = "…"): string {
  const whole = widthOf(text);
  if (whole <= width) return text + " ".repeat(width - whole);
  let kept = "";
  let left = width - 1;
  for (const letter of text) {
    left -= widthOfLetter(letter);
    if (left < 0) break;
    kept += letter;
  }
  const cut = width < 1 ? "" : kept + more;
  return cut + " ".repeat(width - widthOf(cut));
}

/** The text in at most so many columns: its beginning and its end, if all of it is too wide. */
export function fitEnds(text: string, width: number, more = "…"): string {
  if (widthOf(text) <= width) return text;
  const letters = [...text];
  const kept = (from: readonly string[], room: number) => {
    let left = room;
    return from.slice(0, from.findIndex((letter) => (left -= widthOfLetter(letter)) < 0));
  };
  const behind = kept(letters.toReversed(), Math.floor((width - 1) / 2)).toReversed();
  const before = kept(letters, width - 1 - widthOf(behind.join("")));
  return width < 1 ? "" : `${before.join("")}${more}${behind.join("")}`;
}

/** As {@linkcode fit}, with the spaces before the text. */
export function fitRight(text: string, width: number): string {
  const trimmed = fit(text, width);
  return trimmed.length > text.length ? " ".repeat(trimmed.length - text.length) + text : trimmed;
}

/** Whether every character takes one column. */
function isPlain(text: string): boolean {
  return /^[ -~]*$/.test(text);
}

function widthOfLetter(letter: string): number {
  if (isPlain(letter)) return 1;
  return NARROWEST.test(letter) ? 0 : WIDE.test(letter) ? 2 : 1;
}
