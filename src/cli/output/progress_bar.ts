/**
 * How far an image is unpacked, on a terminal.
 *
 * @module
 */

import type { ImageProgress } from "../../images/unpack_options.ts";
import { terminalSize, USUAL_SIZE } from "./terminal_size.ts";

const WIDTH = 30;
/** Not more often than the eye sees. */
const INTERVAL_MS = 50;

/**
 * The text of a bar: as much as fits into a line, whose last column stays free, since some terminals
 * go to the next line there.
 */
export function barText(
  { layer, layers, bytes, totalBytes }: ImageProgress,
  columns: number = USUAL_SIZE.columns,
): string {
  const part = totalBytes === 0 ? 1 : bytes / totalBytes;
  const full = Math.floor(part * WIDTH);
  const percent = `${Math.floor(part * 100)}%`;
  const bar = `[${"#".repeat(full)}${".".repeat(WIDTH - full)}] ${percent}`;
  const size = `${(bytes / 1e6).toFixed(0)} of ${(totalBytes / 1e6).toFixed(0)} MB`;
  const all = `${bar} layer ${layer + 1} of ${layers}, ${size}`;
  return [all, bar, percent].find((text) => text.length < columns) ?? "";
}

/** A bar that is gone at the end. Without a terminal nothing is printed. */
export class ProgressBar implements Disposable {
  readonly #isOn: boolean;
  #last = 0;
  #length = 0;

  /** Shows nothing yet. */
  constructor(isOn: boolean) {
    this.#isOn = isOn;
  }

  /** Shows how far it is. */
  show(progress: ImageProgress): void {
    const now = performance.now();
    if (!this.#isOn || now - this.#last < INTERVAL_MS) return;
    this.#last = now;
    const { columns } = terminalSize();
    const text = barText(progress, columns);
    print(`${this.#clear(columns)}${text}`);
    this.#length = text.length;
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#length > 0) print(this.#clear(terminalSize().columns));
    this.#length = 0;
  }

  /** Takes the bar away. */
  [Symbol.dispose](): void {
    this.end();
  }

  /** A window that was made narrower shows the line as several, and the cursor in the last. */
  #clear(columns: number): string {
    const above = this.#length === 0 ? 0 : Math.ceil(this.#length / columns) - 1;
    return `${above === 0 ? "" : `\x1b[${above}A`}\r\x1b[J`;
  }
}

function print(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}
