/**
 * Numbers as short text, and as marks: bars, and lines of bars.
 *
 * @module
 */

/** What a terminal can show: with ASCII alone the marks are coarser. */
export type Charset = "unicode" | "ascii";

const UNITS = ["", "K", "M", "G", "T", "P", "E"];

/**
 * Bytes in at most five columns, by powers of 1024.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { bytesText } from "./marks.ts";
 *
 * assertEquals([0, 999, 1000, 1536, 10 * 2 ** 20].map(bytesText), ["0", "999", "1.0K", "1.5K", "10M"]);
 * ```
 */
export function bytesText(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 999.5 && unit < UNITS.length - 1) [value, unit] = [value / 1024, unit + 1];
  if (unit === 0) return String(Math.round(value));
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)}${UNITS[unit]}`;
}

/** Per cent in at most five columns, with a tenth where there is room. */
export function percentText(percent: number): string {
  return percent < 999.95 ? percent.toFixed(1) : String(Math.round(percent));
}

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
const HEIGHTS = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
const ASCII_HEIGHTS = ["_", ".", ":", "-", "=", "+", "*", "#"];

/** A part of a whole, 0 to 1, as a bar of so many columns. */
export function bar(part: number, width: number, charset: Charset): string {
  const filled = Math.min(1, Math.max(0, part)) * width;
  if (charset === "ascii") return "#".repeat(Math.round(filled)).padEnd(width, ".");
  const whole = Math.floor(filled + 1 / 16);
  const rest = EIGHTHS[Math.max(0, Math.round((filled - whole) * 8))] ?? "";
  return ("█".repeat(whole) + rest).padEnd(width, "·");
}

/**
 * Values as one line of bars, each as high as its part of the highest; a space where there is none.
 *
 * @param least the least that a bar of full height means
 */
export function spark(
  values: readonly (number | undefined)[],
  least: number,
  charset: Charset,
): string {
  const highest = Math.max(least, ...values.map((value) => value ?? 0));
  const heights = charset === "ascii" ? ASCII_HEIGHTS : HEIGHTS;
  return values.map((value) => {
    if (value === undefined) return " ";
    const height = highest === 0 ? 0 : Math.floor(value / highest * (heights.length - 0.001));
    return heights[Math.min(height, heights.length - 1)];
  }).join("");
}
