/**
 * Text that comes in pieces, as lines.
 *
 * @module
 */

/**
 * Makes lines of pieces. Each letter is looked at once, however long a line is and however small
 * the pieces are: who writes a line without an end must not keep this program busy.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { LineSplitter } from "./line_splitter.ts";
 *
 * const splitter = new LineSplitter();
 * assertEquals(splitter.take("one\ntw"), ["one"]);
 * assertEquals(splitter.take("o\n\nthr"), ["two", ""]);
 * assertEquals(splitter.rest, "thr");
 * ```
 */
export class LineSplitter {
  /** Only appended to until its line ends: so the engine need not copy it for each piece. */
  #rest = "";

  /** The lines that a piece ends. */
  take(piece: string): string[] {
    const lines = piece.split("\n");
    const last = lines.pop() ?? "";
    const [first] = lines;
    if (first === undefined) {
      this.#rest += last;
      return [];
    }
    lines[0] = this.#rest + first;
    this.#rest = last;
    return lines;
  }

  /** What has come since the last line's end. */
  get rest(): string {
    return this.#rest;
  }
}
