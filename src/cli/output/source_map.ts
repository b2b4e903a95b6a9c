/**
 * Translates a stack of bundled code to places in the sources, by the source map beside the bundle.
 * Only used with `--debug`.
 *
 * Source: the source map format, version 3 (ECMA-426).
 *
 * @module
 */

/** A source map, as far as it is read. */
interface SourceMap {
  readonly sources: readonly string[];
  readonly mappings: string;
}

/** Where a piece of generated code comes from; lines and columns from 0. */
interface Segment {
  readonly column: number;
  readonly source: number;
  readonly sourceLine: number;
  readonly sourceColumn: number;
}

const PLACE = /(?:[^\s()]+ \()?file:\/\/(\/[^\s()]+\.js):(\d+):(\d+)\)?/g;

/**
 * The stack with each place in a file that has a map as `src/factory.ts:12:3`; a function's
 * shortened name is dropped. Other places stay as they are.
 *
 * @param readMap gives the text of a file's map; undefined if it has none
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { inSources } from "./source_map.ts";
 *
 * const map = JSON.stringify({ version: 3, sources: ["src/a.ts"], mappings: ";IAEE" });
 * assertEquals(inSources("at x (file:///hull.js:2:9)", () => map), "at src/a.ts:3:3");
 * ```
 */
export function inSources(
  stack: string,
  readMap: (path: string) => string | undefined = readBeside,
): string {
  const maps = new Map<string, SourceMap | undefined>();
  return stack.replaceAll(PLACE, (all, path: string, line: string, column: string) => {
    if (!maps.has(path)) maps.set(path, parse(readMap(path)));
    const map = maps.get(path);
    const found = map && segmentAt(map.mappings, Number(line) - 1, Number(column) - 1);
    const source = found === undefined ? undefined : map?.sources[found.source];
    if (found === undefined || source === undefined) return all;
    return `${source}:${found.sourceLine + 1}:${found.sourceColumn + 1}`;
  });
}

function parse(text: string | undefined): SourceMap | undefined {
  return text === undefined ? undefined : JSON.parse(text) as SourceMap;
}

function readBeside(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(`${decodeURIComponent(path)}.map`);
  } catch {
    return undefined; // a file without one
  }
}

/** The last segment of a line that begins at a column or before it. */
function segmentAt(mappings: string, line: number, column: number): Segment | undefined {
  let [source, sourceLine, sourceColumn] = [0, 0, 0];
  let found: Segment | undefined;
  for (const [k, segments] of mappings.split(";", line + 1).entries()) {
    let at = 0;
    for (const segment of segments.split(",")) {
      const [columns, sources, lines, sourceColumns] = numbers(segment);
      if (columns === undefined) continue;
      at += columns;
      source += sources ?? 0;
      sourceLine += lines ?? 0;
      sourceColumn += sourceColumns ?? 0;
      if (k !== line || at > column || sources === undefined) continue;
      found = { column: at, source, sourceLine, sourceColumn };
    }
  }
  return found;
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const CONTINUES = 32;

/** Base64 VLQ: five bits a digit, the lowest first, of which the very lowest is the sign. */
function numbers(segment: string): number[] {
  const found: number[] = [];
  let [value, shift] = [0, 0];
  for (const letter of segment) {
    const digit = DIGITS.indexOf(letter);
    value += (digit & (CONTINUES - 1)) << shift;
    shift += 5;
    if ((digit & CONTINUES) !== 0) continue;
    found.push((value & 1) === 0 ? value >>> 1 : -(value >>> 1));
    [value, shift] = [0, 0];
  }
  return found;
}
