/**
 * Reads a value with its type from text, in the format that annotations use for properties:
 * GVariant's, as gdbus(1) and runc take it.
 *
 * | text | type |
 * |---|---|
 * | `'…'` or `"…"` | a string |
 * | `true`, `false` | a boolean |
 * | `5` | a 32-bit number with a sign; `5.0` a double |
 * | `uint64 5`, `byte 0x1f`, `objectpath '/a'` … | the type that is named |
 * | `@t 5` | the type of that signature |
 * | `[1, 2]`, `('a', 1)`, `{'a': 1}`, `<1>` | an array, a struct, a dictionary, a variant |
 *
 * Source: GVariant Format Strings, "GVariant Text Format".
 *
 * @module
 */

import type { Variant } from "../../systemd/bus.ts";

/** The words for types. */
const TYPE_WORDS: Readonly<Record<string, string>> = {
  boolean: "b",
  byte: "y",
  int16: "n",
  uint16: "q",
  int32: "i",
  uint32: "u",
  handle: "h",
  int64: "x",
  uint64: "t",
  double: "d",
  string: "s",
  objectpath: "o",
  signature: "g",
};

/** The smallest and the largest number of each whole type. */
const RANGES: Readonly<Record<string, readonly [bigint, bigint]>> = {
  y: [0n, 0xffn],
  n: [-0x8000n, 0x7fffn],
  q: [0n, 0xffffn],
  i: [-0x8000_0000n, 0x7fff_ffffn],
  u: [0n, 0xffff_ffffn],
  x: [-0x8000_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn],
  t: [0n, 0xffff_ffff_ffff_ffffn],
};

const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** Deeper ones are no values that a property has. */
const MAX_DEPTH = 16;

/**
 * The value that a text is.
 *
 * @throws {SyntaxError} what is wrong, and where
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseVariant } from "./variant_text.ts";
 *
 * assertEquals(parseVariant("'a text'"), { signature: "s", value: "a text" });
 * assertEquals(parseVariant("uint64 5"), { signature: "t", value: 5n });
 * assertEquals(parseVariant("['a', 'b']"), { signature: "as", value: ["a", "b"] });
 * ```
 */
export function parseVariant(text: string): Variant {
  const reader = new Reader(text);
  const value = reader.value(undefined, 0);
  reader.end();
  return value;
}

/** Reads from left to right. */
class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Nothing may follow. */
  end(): void {
    if (this.#peek() !== "") throw this.#wrong("nothing more");
  }

  /** One value, of a type that is known or of the one that it has by itself. */
  value(type: string | undefined, depth: number): Variant {
    if (depth > MAX_DEPTH) throw this.#wrong("a value that is less deep");
    const first = this.#peek();
    if (first === "@") return this.#typed(depth);
    if (first === "'" || first === '"') return this.#string(type);
    if (first === "[") return this.#array(type, depth);
    if (first === "(") return this.#struct(type, depth);
    if (first === "{") return this.#dictionary(type, depth);
    if (first === "<") return this.#variant(depth);
    const word = this.#take(/[A-Za-z0-9_.+-]+/y);
    if (word === undefined) throw this.#wrong("a value");
    if (word === "true" || word === "false") return this.#fit("b", type, word === "true");
    const named = TYPE_WORDS[word];
    return named === undefined ? this.#number(word, type) : this.value(fitting(type, named), depth);
  }

  #typed(depth: number): Variant {
    this.#at++;
    const signature = this.#take(/[a-z(){}]+/y);
    if (signature === undefined) throw this.#wrong("a signature");
    return this.value(signature, depth);
  }

  #string(type: string | undefined): Variant {
    const quote = this.#text[this.#at++] as string;
    let value = "";
    for (;;) {
      const letter = this.#text[this.#at++];
      if (letter === undefined) throw this.#wrong(`${quote} at the end of a string`);
      if (letter === quote) break;
      value += letter === "\\" ? this.#escape() : letter;
    }
    const isOther = type === "o" || type === "g";
    return this.#fit(isOther ? type : "s", type, value);
  }

  #escape(): string {
    const letter = this.#text[this.#at++] ?? "";
    const size = letter === "u" ? 4 : letter === "U" ? 8 : 0;
    if (size === 0) return ESCAPES[letter] ?? letter;
    const digits = this.#text.slice(this.#at, this.#at + size);
    const code = /^[0-9a-f]+$/i.test(digits) ? parseInt(digits, 16) : Infinity;
    if (digits.length < size || code > 0x10ffff) throw this.#wrong(`${size} hexadecimal digits`);
    this.#at += size;
    return String.fromCodePoint(code);
  }

  #number(word: string, type: string | undefined): Variant {
    const isWhole = /^[+-]?(?:0[xX][0-9a-fA-F]+|\d+)$/.test(word);
    if (type === "d" || (type === undefined && !isWhole)) {
      if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(word)) throw this.#wrong("a value");
      return this.#fit("d", type, Number(word));
    }
    const range = RANGES[type ?? "i"];
    if (!isWhole || range === undefined) throw this.#wrong(`a value of the type ${type}`);
    const digits = BigInt(word.replace(/^[+-]/, ""));
    const number = word.startsWith("-") ? -digits : digits;
    if (number < range[0] || number > range[1]) throw this.#wrong("a number within its range");
    const isLong = type === "x" || type === "t";
    return { signature: type ?? "i", value: isLong ? number : Number(number) };
  }

  #array(type: string | undefined, depth: number): Variant {
    this.#at++;
    let element = type?.startsWith("a") ? type.slice(1) : undefined;
    if (type !== undefined && element === undefined) throw this.#wrong(`the type ${type}`);
    const values = this.#list("]", () => {
      const { signature, value } = this.value(element, depth + 1);
      element ??= signature;
      return value;
    });
    if (element === undefined) throw this.#wrong("the type of an empty array, such as `@as []`");
    return { signature: `a${element}`, value: values };
  }

  #struct(type: string | undefined, depth: number): Variant {
    this.#at++;
    const types = type === undefined ? undefined : membersOf(type);
    let signature = "";
    const values = this.#list(")", (k) => {
      const member = this.value(types?.[k], depth + 1);
      signature += member.signature;
      return member.value;
    });
    return this.#fit(`(${signature})`, type, values);
  }

  #dictionary(type: string | undefined, depth: number): Variant {
    this.#at++;
    let [key, element] = type?.startsWith("a{") ? membersOf(type.slice(1)) : [];
    const entries = this.#list("}", () => {
      const name = this.value(key, depth + 1);
      this.#expect(":");
      const value = this.value(element, depth + 1);
      key ??= name.signature;
      element ??= value.signature;
      return [name.value, value.value];
    });
    if (key === undefined) throw this.#wrong("the type of an empty dictionary");
    return this.#fit(`a{${key}${element}}`, type, entries);
  }

  #variant(depth: number): Variant {
    this.#at++;
    const value = this.value(undefined, depth + 1);
    this.#expect(">");
    return { signature: "v", value };
  }

  #list(end: string, read: (k: number) => unknown): unknown[] {
    const values: unknown[] = [];
    while (this.#peek() !== end) {
      values.push(read(values.length));
      if (this.#peek() !== end) this.#expect(",");
    }
    this.#at++;
    return values;
  }

  #fit(own: string, wanted: string | undefined, value: unknown): Variant {
    if (wanted !== undefined && wanted !== own) throw this.#wrong(`a value of the type ${wanted}`);
    return { signature: own, value };
  }

  #peek(): string {
    this.#take(/\s*/y);
    return this.#text[this.#at] ?? "";
  }

  #expect(letter: string): void {
    if (this.#peek() !== letter) throw this.#wrong(letter);
    this.#at++;
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #wrong(expected: string): SyntaxError {
    return new SyntaxError(`${expected} is missing at character ${this.#at + 1}`);
  }
}

function fitting(wanted: string | undefined, named: string): string {
  if (wanted === undefined || wanted === named) return named;
  throw new SyntaxError(`a value of the type ${wanted} can't be one of ${named}`);
}

/** The types in a struct or an entry of a dictionary, by its signature with the brackets. */
function membersOf(signature: string): string[] {
  const inner = signature.slice(1, -1);
  const types: string[] = [];
  for (let at = 0; at < inner.length;) {
    const start = at;
    while (inner[at] === "a") at++;
    let open = 0;
    do {
      const letter = inner[at++] ?? "";
      if (letter === "(" || letter === "{") open++;
      else if (letter === ")" || letter === "}") open--;
    } while (open > 0 && at < inner.length);
    types.push(inner.slice(start, at));
  }
  return types;
}
