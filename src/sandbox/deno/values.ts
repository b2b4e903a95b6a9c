/**
 * JavaScript values as text, so that they get from one program into another: those of JSON, and
 * undefined, NaN and its like, bigints, dates, patterns, maps, sets, errors, bytes, and objects that
 * hold themselves. Of an object of a class its own properties are kept.
 *
 * The text is JSON: a table of nodes, of which the first is the value, and which refer to each other
 * by their places. So reading it takes no recursion, however deep a value is.
 *
 * The functions are written so that their source alone works: src/sandbox/deno/driver.ts takes it
 * into the sandbox. What they need of the engine is in `GLOBALS`, which is kept there before any
 * code runs: that may have a class `Map` of its own.
 *
 * @module
 */

/** The engine's own classes that the functions need; JSON, too. */
export const GLOBALS: readonly string[] = [
  ..."AggregateError Array ArrayBuffer BigInt BigInt64Array BigUint64Array DataView".split(" "),
  ..."Date Error EvalError Float16Array Float32Array Float64Array Int16Array".split(" "),
  ..."Int32Array Int8Array Map Number Object RangeError ReferenceError RegExp".split(" "),
  ..."Set String SyntaxError TypeError URIError Uint16Array Uint32Array Uint8Array".split(" "),
  "Uint8ClampedArray",
];

/**
 * The text of a value.
 *
 * @throws {TypeError} for a function, a symbol, and what holds one; for an error it leaves them out
 */
export function encodeValue(value: unknown): string {
  const places = new Map<unknown, number>();
  const waiting: unknown[] = [];
  // Only texts are given to JSON.stringify: of an object it would call toJSON, if there is one.
  const quote = (text: unknown) => JSON.stringify(String(text));
  const place = (each: unknown): number => {
    const isShared = typeof each === "object" && each !== null || each === undefined;
    const known = isShared ? places.get(each) : undefined;
    if (known !== undefined) return known;
    const at = waiting.length;
    waiting[at] = each;
    if (isShared) places.set(each, at);
    return at;
  };
  const pairs = (object: object, keys: readonly string[]) => {
    let text = "";
    for (let k = 0; k < keys.length; k++) {
      const key = keys[k] as string;
      text += `,${quote(key)},${place((object as Record<string, unknown>)[key])}`;
    }
    return text;
  };
  const errorPairs = (error: Error) => {
    const hidden = ["cause", "errors"].filter((key) => Object.hasOwn(error, key));
    const keys = new Set([...hidden, ...Object.keys(error)]);
    for (const key of ["name", "message", "stack"]) keys.delete(key);
    const isData = (key: string) =>
      !["function", "symbol"].includes(typeof (error as unknown as Record<string, unknown>)[key]);
    return pairs(error, [...keys].filter(isData));
  };
  const nodeOf = (each: unknown): string => {
    if (each === undefined) return '["u"]';
    if (typeof each === "bigint") {
      const digits = String(each);
      if (digits.length <= 10_000) return `["b",${quote(digits)}]`;
      throw new TypeError("a bigint of more than 10000 digits can't be passed on");
    }
    if (typeof each === "function" || typeof each === "symbol") {
      throw new TypeError(`a ${typeof each} can't be passed on`);
    }
    if (typeof each === "number" && (!Number.isFinite(each) || Object.is(each, -0))) {
      return `["n",${quote(Object.is(each, -0) ? "-0" : each)}]`;
    }
    if (typeof each === "string") return `["p",${quote(each)}]`;
    if (typeof each !== "object" || each === null) return `["p",${each}]`;
    if (each instanceof Date) return `["d",${quote(each.getTime())}]`;
    if (each instanceof RegExp) return `["r",${quote(each.source)},${quote(each.flags)}]`;
    let text = "";
    if (each instanceof Map) {
      each.forEach((held, key) => text += `,${place(key)},${place(held)}`);
      return `["m"${text}]`;
    }
    if (each instanceof Set) {
      each.forEach((held) => text += `,${place(held)}`);
      return `["s"${text}]`;
    }
    if (each instanceof Error) {
      const { name, message, stack = "" } = each;
      return `["e",${quote(name)},${quote(message)},${quote(stack)}${errorPairs(each)}]`;
    }
    if (each instanceof ArrayBuffer) {
      return `["y","ArrayBuffer",${quote(new Uint8Array(each).toBase64())}]`;
    }
    if (ArrayBuffer.isView(each)) {
      const bytes = new Uint8Array(each.buffer, each.byteOffset, each.byteLength);
      const kind = Object.prototype.toString.call(each).slice(8, -1);
      return `["y",${quote(kind)},${quote(bytes.toBase64())}]`;
    }
    if (Array.isArray(each)) {
      for (let k = 0; k < each.length; k++) text += `,${place(each[k])}`;
      return `["a"${text}]`;
    }
    return `["o"${pairs(each, Object.keys(each))}]`;
  };
  place(value);
  let nodes = "";
  for (let k = 0; k < waiting.length; k++) nodes += `${k === 0 ? "" : ","}${nodeOf(waiting[k])}`;
  return `[${nodes}]`;
}

/** The text of what was thrown, or of an error in its place that says as much of it as can be said. */
export function encodeThrown(thrown: unknown): string {
  try {
    return encodeValue(thrown);
  } catch { /* it holds a function, or its getters throw */ }
  try {
    const said = new Error(thrown instanceof Error ? thrown.message : String(thrown));
    if (thrown instanceof Error) {
      said.name = String(thrown.name);
      said.stack = String(thrown.stack);
    }
    return encodeValue(said);
  } catch {
    return encodeValue(new Error("what was thrown can't be passed on"));
  }
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
    Float16Array: ({ buffer }) => new Float16Array(buffer),
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
  const errors: Readonly<Record<string, (message: string) => Error>> = {
    AggregateError: (message) => new AggregateError([], message),
    EvalError: (message) => new EvalError(message),
    RangeError: (message) => new RangeError(message),
    ReferenceError: (message) => new ReferenceError(message),
    SyntaxError: (message) => new SyntaxError(message),
    TypeError: (message) => new TypeError(message),
    URIError: (message) => new URIError(message),
  };
  const errorOf = (name: unknown, message: unknown, stack: unknown) => {
    const make = Object.hasOwn(errors, String(name)) ? errors[String(name)] : undefined;
    const error = make?.(String(message)) ?? new Error(String(message));
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
        return new Date(Number(first));
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
    for (let n = 0; n < held.length && kind === "a"; n++) (value as unknown[])[n] = at(held[n]);
    if (kind === "s") { for (const each of held) (value as Set<unknown>).add(at(each)); }
    const first = kind === "e" ? 3 : kind === "m" || kind === "o" ? 0 : held.length;
    for (let n = first; n < held.length; n += 2) {
      if (kind === "m") (value as Map<unknown, unknown>).set(at(held[n]), at(held[n + 1]));
      else {
        // A key such as __proto__ is one like any other.
        const key = String(held[n]);
        const isHidden = kind === "e" && (key === "cause" || key === "errors");
        const property = { value: at(held[n + 1]), configurable: true, enumerable: !isHidden };
        Object.defineProperty(value, key, { ...property, writable: true });
      }
    }
  }
  return values[0];
}
