/**
 * Values as the bytes that D-Bus has for them.
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

const FIRST_SIZE = 256;

/** Grows by doubling; what is not written yet is zero, as padding has to be. */
export class Writer {
  readonly #isLittle: boolean;
  #bytes = new Uint8Array(FIRST_SIZE);
  #view = new DataView(this.#bytes.buffer);
  #size = 0;

  constructor(isLittle: boolean) {
    this.#isLittle = isLittle;
  }

  /** What was written so far. */
  get written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#size);
  }

  /**
   * Writes a value where its type may begin.
   *
   * @param depth in how many containers it lies
   * @throws {DBusFormatError} if the value is not of that type
   */
  write(type: Type, value: unknown, depth = 0): void {
    const whole = WHOLE[type.code];
    if (whole !== undefined) return this.#writeWhole(type.code, whole, value);
    switch (type.code) {
      case "b":
        if (typeof value !== "boolean") throw unfit(type, value);
        return this.#writeLength(this.#room(4, 4), value ? 1 : 0);
      case "d": {
        if (typeof value !== "number") throw unfit(type, value);
        const at = this.#room(8, 8);
        return this.#view.setFloat64(at, value, this.#isLittle);
      }
      case "s":
      case "o":
      case "g":
        return this.#writeText(type, value);
      default:
        if (depth >= MOST_CONTAINERS) throw new DBusFormatError("a value is nested too deeply");
        return this.#writeContainer(type, value, depth + 1);
    }
  }

  #writeWhole(code: string, { size, least, most }: (typeof WHOLE)[string], value: unknown): void {
    const isWhole = typeof value === "bigint" || Number.isSafeInteger(value);
    const number = isWhole ? BigInt(value as bigint | number) : undefined;
    if (number === undefined || number < least || number > most) throw unfit({ text: code }, value);
    const at = this.#room(size, size);
    const bits = BigInt.asUintN(8 * size, number);
    if (size === 8) this.#view.setBigUint64(at, bits, this.#isLittle);
    else if (size === 4) this.#view.setUint32(at, Number(bits), this.#isLittle);
    else if (size === 2) this.#view.setUint16(at, Number(bits), this.#isLittle);
    else this.#view.setUint8(at, Number(bits));
  }

  #writeText(type: Type, value: unknown): void {
    if (typeof value !== "string" || !value.isWellFormed() || value.includes("\0")) {
      throw unfit(type, value);
    }
    if (type.code === "o" && !isObjectPath(value)) throw unfit(type, value);
    if (type.code === "g") parseSignature(value);
    const text = new TextEncoder().encode(value);
    if (type.code === "g") {
      const lengthAt = this.#room(1, 1);
      this.#view.setUint8(lengthAt, text.length);
    } else {
      this.#writeLength(this.#room(4, 4), text.length);
    }
    const at = this.#room(1, text.length + 1);
    this.#bytes.set(text, at);
  }

  #writeContainer(type: Type, value: unknown, depth: number): void {
    if (type.code === "v") return this.#writeVariant(type, value, depth);
    if (type.code === "a") return this.#writeArray(type, value, depth);
    if (!Array.isArray(value) || value.length !== type.inside.length) throw unfit(type, value);
    this.#room(type.alignment, 0);
    type.inside.forEach((field, k) => this.write(field, value[k], depth));
  }

  #writeVariant(type: Type, value: unknown, depth: number): void {
    const { signature, value: inner } = (value ?? {}) as Record<string, unknown>;
    if (typeof signature !== "string") throw unfit(type, value);
    const innerType = parseSingle(signature);
    this.#writeText({ ...type, code: "g" }, signature);
    this.write(innerType, inner, depth);
  }

  #writeArray(type: Type, value: unknown, depth: number): void {
    const element = type.inside[0] as Type;
    const elements = elementsOf(type, element, value);
    const lengthAt = this.#room(4, 4);
    const start = this.#room(element.alignment, 0);
    if (elements instanceof Uint8Array) {
      if (elements.length > MOST_ARRAY_BYTES) throw tooLong();
      const at = this.#room(1, elements.length);
      this.#bytes.set(elements, at);
    } else {
      for (const one of elements) {
        this.write(element, one, depth);
        if (this.#size - start > MOST_ARRAY_BYTES) throw tooLong();
      }
    }
    this.#writeLength(lengthAt, this.#size - start);
  }

  #writeLength(at: number, length: number): void {
    this.#view.setUint32(at, length, this.#isLittle);
  }

  /**
   * Makes room at the next place of that alignment; returns where. Bytes and view may be others
   * afterwards.
   */
  #room(alignment: number, size: number): number {
    const at = Math.ceil(this.#size / alignment) * alignment;
    this.#size = at + size;
    if (this.#size > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#size));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}

/** A dictionary may be given as a Map, as pairs, or as an object whose keys are the names. */
function elementsOf(type: Type, element: Type, value: unknown): Iterable<unknown> {
  if (element.code === "{") {
    if (Array.isArray(value) || value instanceof Map) return value;
    if (typeof value === "object" && value !== null) return Object.entries(value);
  } else if (Array.isArray(value) || (element.code === "y" && value instanceof Uint8Array)) {
    return value;
  }
  throw unfit(type, value);
}

function unfit({ text }: { readonly text: string }, value: unknown): DBusFormatError {
  const shown = typeof value === "object" && value !== null ? "such an object" : String(value);
  return new DBusFormatError(`${shown.slice(0, 100)} is no value of D-Bus's type ${text}`);
}

function tooLong(): DBusFormatError {
  return new DBusFormatError("an array is longer than 64 MiB");
}
