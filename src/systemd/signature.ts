/**
 * The types of D-Bus: signatures, and the rules that strings of certain types keep.
 *
 * Source: D-Bus specification, "Type System".
 *
 * @module
 */

/** What can't be written as D-Bus, or is no valid D-Bus. */
export class DBusFormatError extends Error {
  override readonly name = "DBusFormatError";
}

/** One complete type. */
export interface Type {
  /** The letter it begins with: of a basic type, or `a`, `v`, `(` for a structure, `{` for an entry. */
  readonly code: string;
  /** The whole of it, such as `a{sv}`. */
  readonly text: string;
  /** An array's element, a structure's fields, or an entry's key and value. */
  readonly inside: readonly Type[];
  /** Where its values may begin: at multiples of so many bytes. */
  readonly alignment: number;
}

/** A value lies in at most so many containers, variants included. */
export const MOST_CONTAINERS = 64;
/** An array holds at most so many bytes. */
export const MOST_ARRAY_BYTES: number = 64 * 1024 * 1024;
const MOST_SIGNATURE = 255;
const MOST_OF_A_KIND = 32;

const ALIGNMENTS: Readonly<Record<string, number>> = {
  ...{ y: 1, g: 1, v: 1, n: 2, q: 2, b: 4, i: 4, u: 4, s: 4, o: 4, a: 4, h: 4 },
  ...{ x: 8, t: 8, d: 8, "(": 8, "{": 8 },
};
const BASIC = new Set("ybnqiuxtdsogh");

/**
 * The complete types that a signature names, in order.
 *
 * @throws {DBusFormatError}
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseSignature } from "./signature.ts";
 *
 * assertEquals(parseSignature("sa{sv}(it)").map(({ text }) => text), ["s", "a{sv}", "(it)"]);
 * ```
 */
export function parseSignature(signature: string): readonly Type[] {
  if (signature.length > MOST_SIGNATURE) throw invalid(signature, "it is too long");
  const types: Type[] = [];
  for (let at = 0; at < signature.length;) {
    const type = parseType(signature, at, { arrays: 0, structures: 0 });
    types.push(type);
    at += type.text.length;
  }
  return types;
}

/**
 * The one complete type that a variant's signature names.
 *
 * @throws {DBusFormatError}
 */
export function parseSingle(signature: string): Type {
  const [type, ...more] = parseSignature(signature);
  if (type === undefined || more.length > 0) throw invalid(signature, "it must be one type");
  return type;
}

/** In how many containers a type lies. */
interface Nesting {
  readonly arrays: number;
  readonly structures: number;
}

function parseType(signature: string, at: number, nesting: Nesting): Type {
  const code = signature.charAt(at);
  if (code === "v" || BASIC.has(code)) return typeOf(code, code, []);
  if (code === "a") {
    const inner = deeper(signature, { ...nesting, arrays: nesting.arrays + 1 });
    const isEntry = signature.charAt(at + 1) === "{";
    const element = isEntry
      ? parseGroup(signature, at + 1, "}", inner)
      : parseType(signature, at + 1, inner);
    return typeOf(code, code + element.text, [element]);
  }
  if (code === "(") return parseGroup(signature, at, ")", nesting);
  throw invalid(signature, code === "" ? "it ends too early" : `there is no type ${code} there`);
}

/** A structure or, as an array's element only, an entry of a dictionary. */
function parseGroup(signature: string, start: number, end: string, nesting: Nesting): Type {
  const inner = deeper(signature, { ...nesting, structures: nesting.structures + 1 });
  const inside: Type[] = [];
  let at = start + 1;
  while (signature.charAt(at) !== end) {
    const type = parseType(signature, at, inner);
    inside.push(type);
    at += type.text.length;
  }
  if (inside.length === 0) throw invalid(signature, "a structure has no fields");
  if (end === "}" && (inside.length !== 2 || !BASIC.has(inside[0]?.code ?? ""))) {
    throw invalid(signature, "an entry is a basic type and any other");
  }
  return typeOf(signature.charAt(start), signature.slice(start, at + 1), inside);
}

function typeOf(code: string, text: string, inside: readonly Type[]): Type {
  return { code, text, inside, alignment: ALIGNMENTS[code] ?? 1 };
}

function deeper(signature: string, nesting: Nesting): Nesting {
  if (nesting.arrays <= MOST_OF_A_KIND && nesting.structures <= MOST_OF_A_KIND) return nesting;
  throw invalid(signature, "it is nested too deeply");
}

function invalid(signature: string, why: string): DBusFormatError {
  return new DBusFormatError(`${JSON.stringify(signature)} is no signature of D-Bus: ${why}`);
}

/** Whether a text is a path of an object, such as `/org/freedesktop/systemd1`. */
export function isObjectPath(text: string): boolean {
  return /^\/(?:\w+(?:\/\w+)*)?$/.test(text);
}

/** The range of each whole type, and how many bytes it has. */
export const WHOLE: Readonly<Record<string, { size: number; least: bigint; most: bigint }>> = {
  y: { size: 1, least: 0n, most: 0xffn },
  n: { size: 2, least: -0x8000n, most: 0x7fffn },
  q: { size: 2, least: 0n, most: 0xffffn },
  i: { size: 4, least: -0x80000000n, most: 0x7fffffffn },
  u: { size: 4, least: 0n, most: 0xffffffffn },
  h: { size: 4, least: 0n, most: 0xffffffffn },
  x: { size: 8, least: -(1n << 63n), most: (1n << 63n) - 1n },
  t: { size: 8, least: 0n, most: (1n << 64n) - 1n },
};
