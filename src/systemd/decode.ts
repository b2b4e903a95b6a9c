/**
 * Values out of the bytes of D-Bus. The bytes may be anybody's: whatever they say, nothing is made
 * that is not there, and all that the specification forbids is an error.
 *
 * Source: D-Bus specification, "Marshaling (Wire Format)".
 *
 * @module
 */

import {
  DBusFormatError,
  isObjectPath,
  MOST_ARRAY_BYTES,
  MOST_CONTAINERS,
  parseSignature,
  parseSingle,
  type Type,
  WHOLE,
} from "./signature.ts";

/** A byte order mark is a letter of the string like others. */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads one value after the other. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #isLittle: boolean;
  #at: number;

  constructor(bytes: Uint8Array, at: number, isLittle: boolean) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#isLittle = isLittle;
    this.#at = at;
  }

  /** Whether all was read. */
  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /**
   * Reads a value.
   *
   * @param depth in how many containers it lies
   * @throws {DBusFormatError}
   */
  read(type: Type, depth = 0): unknown {
    const whole = WHOLE[type.code];
    if (whole !== undefined) return this.#readWhole(whole);
    switch (type.code) {
      case "b": {
        const number = this.#readLength();
        if (number > 1) throw new DBusFormatError(`a boolean is ${number}`);
        return number === 1;
      }
      case "d":
        return this.#view.getFloat64(this.#take(8, 8), this.#isLittle);
      case "s":
      case "o":
      case "g":
        return this.#readText(type.code);
      default:
        if (depth >= MOST_CONTAINERS) throw new DBusFormatError("a value is nested too deeply");
        return this.#readContainer(type, depth + 1);
    }
  }

  #readWhole({ size, least }: (typeof WHOLE)[string]): number | bigint {
    const at = this.#take(size, size);
    const isSigned = least < 0n;
    const [view, isLittle] = [this.#view, this.#isLittle];
    if (size === 8) {
      return isSigned ? view.getBigInt64(at, isLittle) : view.getBigUint64(at, isLittle);
    }
    if (size === 4) return isSigned ? view.getInt32(at, isLittle) : view.getUint32(at, isLittle);
    if (size === 2) return isSigned ? view.getInt16(at, isLittle) : view.getUint16(at, isLittle);
    return view.getUint8(at);
  }

  #readLength(): number {
    return this.#view.getUint32(this.#take(4, 4), this.#isLittle);
  }

  #readText(code: string): string {
    const length = code === "g" ? this.#view.getUint8(this.#take(1, 1)) : this.#readLength();
    const at = this.#take(1, length + 1);
    const bytes = this.#bytes.subarray(at, at + length);
    if (this.#bytes[at + length] !== 0 || bytes.includes(0)) {
      throw new DBusFormatError("a string does not end where it should");
    }
    const text = decodeText(bytes);
    if (code === "g") parseSignature(text);
    if (code === "o" && !isObjectPath(text)) {
      throw new DBusFormatError(`${JSON.stringify(text.slice(0, 100))} is no path of an object`);
    }
    return text;
  }

  #readContainer(type: Type, depth: number): unknown {
    if (type.code === "v") {
      const signature = this.#readText("g");
      return { signature, value: this.read(parseSingle(signature), depth) };
    }
    if (type.code === "a") return this.#readArray(type.inside[0] as Type, depth);
    this.#take(type.alignment, 0);
    return type.inside.map((field) => this.read(field, depth));
  }

  #readArray(element: Type, depth: number): unknown {
    const length = this.#readLength();
    if (length > MOST_ARRAY_BYTES) throw new DBusFormatError("an array is longer than 64 MiB");
    const start = this.#take(element.alignment, 0);
    const end = start + length;
    if (end > this.#bytes.length) throw cut();
    if (element.code === "y") {
      this.#at = end;
      return this.#bytes.slice(start, end);
    }
    const elements: unknown[] = [];
    while (this.#at < end) elements.push(this.read(element, depth));
    if (this.#at !== end) throw new DBusFormatError("an array ends in the middle of an element");
    return element.code === "{" ? new Map(elements as [unknown, unknown][]) : elements;
  }

  /** Goes past the padding and past so many bytes; returns where these begin. */
  #take(alignment: number, size: number): number {
    const at = Math.ceil(this.#at / alignment) * alignment;
    if (at + size > this.#bytes.length) throw cut();
    while (this.#at < at) {
      if (this.#bytes[this.#at++] !== 0) throw new DBusFormatError("padding is not zero");
    }
    this.#at = at + size;
    return at;
  }
}

function decodeText(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new DBusFormatError("a string is not UTF-8", { cause });
  }
}

function cut(): DBusFormatError {
  return new DBusFormatError("the bytes end before the value does");
}
