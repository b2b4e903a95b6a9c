/**
 * Text that may hold any bytes. A byte that is not UTF-8 becomes one of the lone surrogates U+DC80
 * to U+DCFF, which no proper text has and which JSON keeps as escapes. So a path, an argument or a
 * variable of another program is passed on byte for byte.
 *
 * @module
 */

const encoder = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** What is added to a byte to get its surrogate. */
const ESCAPE = 0xdc00;
const LONGEST = 4;

/** The bytes of a text. A lone surrogate that stands for no byte becomes U+FFFD, as everywhere. */
export function encodeRaw(text: string): Uint8Array<ArrayBuffer> {
  if (text.isWellFormed()) return encoder.encode(text);
  const pieces = [...text].map((character) => {
    const code = character.codePointAt(0) ?? 0;
    return code >= ESCAPE + 0x80 && code <= ESCAPE + 0xff
      ? new Uint8Array([code - ESCAPE])
      : encoder.encode(character);
  });
  const all = new Uint8Array(pieces.reduce((size, { length }) => size + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/**
 * The text of bytes, from which {@linkcode encodeRaw} gives the same bytes.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { decodeRaw, encodeRaw } from "./raw_text.ts";
 *
 * const bytes = new Uint8Array([0x78, 0xff, 0xc3, 0xa4]);
 * assertEquals(decodeRaw(bytes), "x\udcffä");
 * assertEquals(encodeRaw(JSON.parse(JSON.stringify(decodeRaw(bytes)))), bytes);
 * ```
 */
export function decodeRaw(bytes: Uint8Array): string {
  const whole = tryDecode(bytes);
  if (whole !== undefined) return whole;
  let text = "";
  for (let at = 0; at < bytes.length;) {
    const size = characterAt(bytes, at);
    text += size === 0
      ? String.fromCharCode(ESCAPE + (bytes[at] as number))
      : strict.decode(bytes.subarray(at, at + size));
    at += Math.max(size, 1);
  }
  return text;
}

/** How many bytes the character has that begins there; 0 if none does. */
function characterAt(bytes: Uint8Array, at: number): number {
  if ((bytes[at] as number) < 0x80) return 1;
  for (let size = 2; size <= LONGEST && at + size <= bytes.length; size++) {
    if (tryDecode(bytes.subarray(at, at + size)) !== undefined) return size;
  }
  return 0;
}

function tryDecode(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}
