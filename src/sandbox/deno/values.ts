/**
 * JavaScript values as text, so that they get from one program into another: those of JSON, and
 * undefined, NaN and its like, bigints, dates, patterns, maps, sets, errors, bytes, and objects that
 * hold themselves. Of an object of a class its own properties are kept.
 *
 * The text is JSON: a table of nodes, of which the first is the value, and which refer to each other
 * by their places. So reading it takes no recursion, however deep a value is.
 *
 * Both functions are written so that their source alone works: src/sandbox/deno/driver.ts takes it
 * into the sandbox.
 *
 * @module
 */

/**
 * The text of a value.
 *
 * @throws {TypeError} for a function, a symbol, and what holds one
 */
export function encodeValue(value: unknown): string {
  const nodes: unknown[] = [];
  const places = new Map<unknown, number>();
  const waiting: unknown[] = [];
  const place = (each: unknown): number => {
    const isObject = typeof each === "object" && each !== null;
    const known = isObject ? places.get(each) : undefined;
    if (known !== undefined) return known;
    const at = waiting.push(each) - 1;
    if (isObject) places.set(each, at);
    return at;
  };
  const pairs = (object: object) =>
    Object.keys(object).flatMap((key) => [key, place((object as Record<string, unknown>)[key])]);
  const nodeOf = (each: unknown): unknown[] => {
    if (each === undefined) return ["u"];
    if (typeof each === "bigint") return ["b", String(each)];
    if (typeof each === "function" || typeof each === "symbol") {
      throw new TypeError(`a ${typeof each} can't be passed on`);
    }
    if (typeof each === "number" && (!Number.isFinite(each) || Object.is(each, -0))) {
      return ["n", Object.is(each, -0) ? "-0" : String(each)];
    }
    if (typeof each !== "object" || each === null) return ["p", each];
    if (each instanceof Date) return ["d", each.getTime()];
    if (each instanceof RegExp) return ["r", each.source, each.flags];
    if (each instanceof Map) {
      return ["m", ...[...each].flatMap(([key, held]) => [place(key), place(held)])];
    }
    if (each instanceof Set) return ["s", ...[...each].map(place)];
    if (each instanceof Error) return ["e", each.name, each.message, each.stack ?? ""];
    if (each instanceof ArrayBuffer) return ["y", "ArrayBuffer", new Uint8Array(each).toBase64()];
    if (ArrayBuffer.isView(each)) {
      const bytes = new Uint8Array(each.buffer, each.byteOffset, each.byteLength);
      return ["y", Object.prototype.toString.call(each).slice(8, -1), bytes.toBase64()];
    }
    if (Array.isArray(each)) return ["a", ...Array.from(each, place)];
    return ["o", ...pairs(each)];
  };
  place(value);
  for (let k = 0; k < waiting.length; k++) nodes.push(nodeOf(waiting[k]));
  return JSON.stringify(nodes);
}

/**
 * The value of a text, which may be anybody's.
 *
 * @throws {TypeError} for what is no such text
 * @throws {SyntaxError}
 */
export function decodeValue(text: string): unknown {
  const nodes: unknown = JSON.parse(text);
  const wrong = () => new TypeError("the text is no value");
  if (!Array.isArray(nodes) || nodes.length === 0) throw wrong();
  const views: Readonly<Record<string, (bytes: Uint8Array<ArrayBuffer>) => unknown>> = {
    ArrayBuffer: ({ buffer }) => buffer,
    BigInt64Array: ({ buffer }) => new BigInt64Array(buffer),
    BigUint64Array: ({ buffer }) => new BigUint64Array(buffer),
    DataView: ({ buffer }) => new DataView(buffer),
    Float32Array: ({ buffer }) => new Float32Array(buffer),
    Float64Array: ({ buffer }) => new Float64Array(buffer),
    Int16Array: ({ buffer }) => new Int16Array(buffer),
    Int32Array: ({ buffer }) => new Int32Array(buffer),
    Int8Array: ({ buffer }) => new Int8Array(buffer),
    Uint16Array: ({ buffer }) => new Uint16Array(buffer),
    Uint32Array: ({ buffer }) => new Uint32Array(buffer),
    Uint8Array: (bytes) => bytes,
    Uint8ClampedArray: ({ buffer }) => new Uint8ClampedArray(buffer),
  };
  const errorOf = (name: unknown, message: unknown, stack: unknown) => {
    const error = new Error(String(message));
    for (const [key, told] of [["name", name], ["stack", stack]] as const) {
      Object.defineProperty(error, key, {
        value: String(told),
        configurable: true,
        writable: true,
      });
    }
    return error;
  };
  const bigintOf = (digits: unknown) => {
    // A longer one would take very long.
    if (typeof digits !== "string" || digits.length > 10_000) throw wrong();
    return BigInt(digits);
  };
  const bytesOf = (kind: unknown, base64: unknown) => {
    if (typeof kind !== "string" || typeof base64 !== "string" || !Object.hasOwn(views, kind)) {
      throw wrong();
    }
    return views[kind]?.(Uint8Array.fromBase64(base64));
  };
  // First all values without what they hold, then that: so they can hold each other.
  const values = nodes.map((node: unknown): unknown => {
    if (!Array.isArray(node)) throw wrong();
    const [kind, first, second, third] = node;
    switch (kind) {
      case "u":
        return undefined;
      case "p":
        if (typeof first === "object" && first !== null) throw wrong();
        return first;
      case "n":
        return Number(first);
      case "b":
        return bigintOf(first);
      case "d":
        return new Date(first === null ? NaN : Number(first));
      case "r":
        return new RegExp(String(first), String(second));
      case "e":
        return errorOf(first, second, third);
      case "y":
        return bytesOf(first, second);
      case "m":
        return new Map();
      case "s":
        return new Set();
      case "a":
        return [];
      case "o":
        return {};
      default:
        throw wrong();
    }
  });
  const at = (index: unknown) => {
    if (!Number.isInteger(index) || !Object.hasOwn(values, index as number)) throw wrong();
    return values[index as number];
  };
  for (const [k, node] of nodes.entries()) {
    const [kind, ...held] = node as unknown[];
    const value = values[k];
    if (kind === "a") { for (const each of held) (value as unknown[]).push(at(each)); }
    if (kind === "s") { for (const each of held) (value as Set<unknown>).add(at(each)); }
    for (let n = 0; n < held.length && (kind === "m" || kind === "o"); n += 2) {
      if (kind === "m") (value as Map<unknown, unknown>).set(at(held[n]), at(held[n + 1]));
      else {
        // A key such as __proto__ is one like any other.
        const property = { value: at(held[n + 1]), configurable: true, enumerable: true };
        Object.defineProperty(value, String(held[n]), { ...property, writable: true });
      }
    }
  }
  return values[0];
}
