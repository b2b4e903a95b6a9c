/**
 * The bytes of protobuf messages: variable-length numbers, fixed ones, and what has a length.
 *
 * Source: protobuf.dev, "Encoding".
 *
 * @module
 */

/** How a field's value is written. */
export const WIRE = { varint: 0, fixed64: 1, bytes: 2, groupBegin: 3, groupEnd: 4, fixed32: 5 };

/** Groups in groups that are skipped; nobody writes any. */
const DEEPEST_GROUP = 32;

/** Bytes that are no message of the kind that was expected. */
export class ProtobufError extends Error {
  override readonly name = "ProtobufError";
}

/** Takes values from bytes that may be anybody's. */
export class WireReader {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  #at = 0;

  /** Stands at the beginning of the bytes. */
  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Whether all bytes were taken. */
  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** A number of up to 64 bits; what lies above them is dropped. */
  varint(): bigint {
    const at = this.#at;
    const small = this.#small();
    if (small !== undefined) return BigInt(small);
    this.#at = at;
    let value = 0n;
    for (let shift = 0n; shift < 28n; shift += 7n) value |= BigInt(this.#byte() & 0x7f) << shift;
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new ProtobufError("a number has more than ten bytes");
  }

  /** A field's number, and how its value is written. */
  tag(): { readonly number: number; readonly wire: number } {
    const tag = this.#number();
    const number = Math.floor(tag / 8);
    if (number === 0 || tag > 0xffff_ffff) throw new ProtobufError(`no field is ${number}`);
    return { number, wire: tag % 8 };
  }

  /** What has a length; a view of the same memory. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#take(this.#length());
  }

  /** A floating-point number. */
  double(): number {
    const at = this.#at;
    this.#take(8);
    return this.#view.getFloat64(at, true);
  }

  /** Passes over a value of which only the way it is written is known. */
  skip(wire: number, number: number): void {
    if (wire === WIRE.groupBegin) this.#skipGroup(number);
    else this.#skipValue(wire);
  }

  #skipValue(wire: number): void {
    if (wire === WIRE.varint) this.varint();
    else if (wire === WIRE.fixed64) this.#take(8);
    else if (wire === WIRE.bytes) this.bytes();
    else if (wire === WIRE.fixed32) this.#take(4);
    else throw new ProtobufError(`no value is written in way ${wire}`);
  }

  #skipGroup(number: number): void {
    const open = [number];
    while (open.length > 0) {
      const next = this.tag();
      if (next.wire === WIRE.groupBegin) {
        if (open.push(next.number) > DEEPEST_GROUP) throw new ProtobufError("groups are too deep");
      } else if (next.wire === WIRE.groupEnd) {
        if (open.pop() !== next.number) throw new ProtobufError("a group ends that did not begin");
      } else this.#skipValue(next.wire);
    }
  }

  #length(): number {
    const length = this.#number();
    const left = this.#bytes.length - this.#at;
    if (length > left) throw new ProtobufError(`${length} bytes of ${left} are asked for`);
    return length;
  }

  /** A number for which it makes no difference that those beyond 2^53 are rounded. */
  #number(): number {
    const at = this.#at;
    const small = this.#small();
    if (small !== undefined) return small;
    this.#at = at;
    return Number(this.varint());
  }

  /** A number of at most 28 bits, which needs no bigint; undefined if it is longer. */
  #small(): number | undefined {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return undefined;
  }

  #take(count: number): Uint8Array<ArrayBuffer> {
    const end = this.#at + count;
    if (end > this.#bytes.length) throw new ProtobufError("a value ends before its end");
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  #byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new ProtobufError("a number ends before its end");
    this.#at++;
    return byte;
  }
}

const FIRST_SIZE = 128;

/** Gathers bytes. */
export class WireWriter {
  #bytes = new Uint8Array(FIRST_SIZE);
  #length = 0;

  /** What was written so far; a view of memory that later writes may change. */
  get written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** A field's number, and how its value is written. */
  tag(number: number, wire: number): void {
    this.#number(8 * number + wire);
  }

  /** A number of up to 64 bits; one below 0 as its two's complement. */
  varint(value: bigint): void {
    if (value >= 0n && value <= 0x7fff_ffffn) return this.#number(Number(value));
    let rest = BigInt.asUintN(64, value);
    while (rest > 0x7fn) {
      this.#byte(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.#byte(Number(rest));
  }

  /** Bytes with their length before them. */
  bytes(bytes: Uint8Array): void {
    this.#number(bytes.length);
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** A floating-point number. */
  double(value: number): void {
    this.#reserve(8);
    new DataView(this.#bytes.buffer).setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  /** A number below 2^31, without a bigint. */
  #number(value: number): void {
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) this.#byte(rest & 0x7f | 0x80);
    this.#byte(rest);
  }

  #byte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = byte;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    larger.set(this.written);
    this.#bytes = larger;
  }
}
