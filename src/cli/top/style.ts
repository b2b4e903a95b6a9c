/**
 * How pieces of text look on a terminal.
 *
 * Source: console_codes(4), "ECMA-48 Select Graphic Rendition".
 *
 * @module
 */

/** What a piece of text is. */
export type Style =
  | "name"
  | "dim"
  | "good"
  | "warn"
  | "bad"
  | "mark"
  | "heading"
  | "sorted"
  | "selected"
  | "question";

const PLAIN: Readonly<Record<Style, string>> = {
  name: "",
  dim: "",
  good: "",
  warn: "1",
  bad: "1",
  mark: "",
  heading: "7",
  sorted: "7;1",
  selected: "7",
  question: "1",
};

const COLOURED: Readonly<Record<Style, string>> = {
  ...PLAIN,
  name: "1",
  dim: "2",
  good: "32",
  warn: "33",
  bad: "31;1",
  mark: "36",
};

/** The text with what makes it look so. */
export function styled(text: string, style: Style | undefined, hasColours: boolean): string {
  const codes = style === undefined ? "" : (hasColours ? COLOURED : PLAIN)[style];
  return codes === "" || text === "" ? text : `\x1b[${codes}m${text}\x1b[0m`;
}

/** The same underlined. */
export function underlined(text: string, style: Style, hasColours: boolean): string {
  const codes = (hasColours ? COLOURED : PLAIN)[style];
  return text === "" ? text : `\x1b[${codes === "" ? "" : `${codes};`}4m${text}\x1b[0m`;
}
