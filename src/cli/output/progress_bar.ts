/**
 * How far an image is unpacked, on a terminal.
 *
 * @module
 */

import type { ImageProgress } from "../../images/unpack_options.ts";

const WIDTH = 30;
/** Not more often than the eye sees. */
const INTERVAL_MS = 50;
const CLEAR = "\r\x1b[K";

/** The text of a bar. */
export function barText({ layer, layers, bytes, totalBytes }: ImageProgress): string {
  const part = totalBytes === 0 ? 1 : bytes / totalBytes;
  const full = Math.floor(part * WIDTH);
  const bar = `${"#".repeat(full)}${".".repeat(WIDTH - full)}`;
  const size = `${(bytes / 1e6).toFixed(0)} of ${(totalBytes / 1e6).toFixed(0)} MB`;
  return `[${bar}] ${Math.floor(part * 100)}% layer ${layer + 1} of ${layers}, ${size}`;
}

/** A bar that is gone at the end. Without a terminal nothing is printed. */
export class ProgressBar implements Disposable {
  readonly #isOn: boolean;
  #last = 0;
  #isShown = false;

  /** Shows nothing yet. */
  constructor(isOn: boolean) {
    this.#isOn = isOn;
  }

  /** Shows how far it is. */
  show(progress: ImageProgress): void {
    const now = performance.now();
    if (!this.#isOn || now - this.#last < INTERVAL_MS) return;
    this.#last = now;
    this.#isShown = true;
    print(`${CLEAR}${barText(progress)}`);
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#isShown) print(CLEAR);
    this.#isShown = false;
  }

  /** Takes the bar away. */
  [Symbol.dispose](): void {
    this.end();
  }
}

function print(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}
