/**
 * Netlink messages as bytes: a header, a fixed structure that depends on the type, and attributes,
 * of which some hold attributes. All numbers are the host's, little-endian on the CPUs that hull
 * runs on, and every part begins at a multiple of 4.
 *
 * Source: netlink(7), include/uapi/linux/netlink.h.
 *
 * @module
 */

/** The size of struct nlmsghdr. */
export const HEADER_SIZE = 16;
/** The size of struct nlattr. */
const ATTRIBUTE_HEADER_SIZE = 4;
/** The value is attributes: NLA_F_NESTED. */
const NESTED = 0x8000;
/** The type without NLA_F_NESTED and NLA_F_NET_BYTEORDER. */
const TYPE_MASK = 0x3fff;
const MAX_ATTRIBUTE_SIZE = 0xffff;

/** It asks for something. */
export const NLM_F_REQUEST = 0x1;
/** One of several messages, the last of which is NLMSG_DONE. */
export const NLM_F_MULTI = 0x2;
/** The kernel says that it is done, or why not. */
export const NLM_F_ACK = 0x4;
/** What was listed changed meanwhile. */
export const NLM_F_DUMP_INTR = 0x10;
/** All that there are: NLM_F_ROOT | NLM_F_MATCH. */
export const NLM_F_DUMP = 0x300;
/** Not if it is there already. */
export const NLM_F_EXCL = 0x200;
/** Make it. */
export const NLM_F_CREATE = 0x400;

/** A netlink message. */
export interface Message {
  /** What it is, such as RTM_NEWLINK. */
  readonly type: number;
  /** NLM_F_… */
  readonly flags: number;
  /** Of the request and of its answers. */
  readonly sequence: number;
  /** What follows the header. */
  readonly body: Uint8Array<ArrayBuffer>;
}

/** One attribute, of which a nested one has attributes as its value. */
export interface Attribute {
  readonly type: number;
  readonly value: Uint8Array<ArrayBuffer> | readonly Attribute[];
}

/** Bytes that are no netlink message. */
export class NetlinkFormatError extends Error {
  override readonly name = "NetlinkFormatError";
}

function align(size: number): number {
  return (size + 3) & ~3;
}

/**
 * The bytes of a message.
 *
 * @example There and back
 * ```ts
 * import { assert } from "@std/assert";
 * import { decodeMessages, encodeMessage } from "./message.ts";
 *
 * const bytes = encodeMessage({ type: 18, flags: 1, sequence: 7, body: new Uint8Array([1, 2, 3]) });
 * assert(bytes.length === 20 && decodeMessages(bytes)[0]?.sequence === 7);
 * ```
 */
export function encodeMessage(message: Message): Uint8Array<ArrayBuffer> {
  const { type, flags, sequence, body } = message;
  const bytes = new Uint8Array(align(HEADER_SIZE + body.length));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, HEADER_SIZE + body.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags, true);
  view.setUint32(8, sequence, true);
  bytes.set(body, HEADER_SIZE);
  return bytes;
}

/**
 * The messages of one datagram.
 *
 * @throws {NetlinkFormatError} if a length leads beyond the bytes
 */
export function decodeMessages(bytes: Uint8Array<ArrayBuffer>): Message[] {
  const messages: Message[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length;) {
    const length = bytes.length - at < HEADER_SIZE ? 0 : view.getUint32(at, true);
    if (length < HEADER_SIZE || length > bytes.length - at) throw truncated("message", at);
    messages.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      body: bytes.subarray(at + HEADER_SIZE, at + length),
    });
    at += align(length);
  }
  return messages;
}

/**
 * A body: the fixed structure, then the attributes.
 *
 * @throws {RangeError} if an attribute is longer than 65,531 bytes
 */
export function encodeBody(
  structure: Uint8Array<ArrayBuffer>,
  attributes: readonly Attribute[] = [],
): Uint8Array<ArrayBuffer> {
  const tail = encodeAttributes(attributes);
  const body = new Uint8Array(align(structure.length) + tail.length);
  body.set(structure);
  body.set(tail, align(structure.length));
  return body;
}

/**
 * Attributes one behind the other, each padded to a multiple of 4.
 *
 * @throws {RangeError} if one is longer than 65,531 bytes
 */
export function encodeAttributes(attributes: readonly Attribute[]): Uint8Array<ArrayBuffer> {
  const encoded = attributes.map(({ type, value }) =>
    value instanceof Uint8Array
      ? { type, bytes: value }
      : { type: type | NESTED, bytes: encodeAttributes(value) }
  );
  const size = encoded.reduce((sum, { bytes }) => sum + align(4 + bytes.length), 0);
  const all = new Uint8Array(size);
  const view = new DataView(all.buffer);
  let at = 0;
  for (const { type, bytes } of encoded) {
    const length = ATTRIBUTE_HEADER_SIZE + bytes.length;
    if (length > MAX_ATTRIBUTE_SIZE) throw new RangeError(`attribute ${type} is too long`);
    view.setUint16(at, length, true);
    view.setUint16(at + 2, type, true);
    all.set(bytes, at + ATTRIBUTE_HEADER_SIZE);
    at += align(length);
  }
  return all;
}

/** Decoded attributes by type; where a type is there twice, the last counts, as in the kernel. */
export class Attributes {
  readonly #values: ReadonlyMap<number, Uint8Array<ArrayBuffer>>;

  /**
   * Decodes them.
   *
   * @throws {NetlinkFormatError} if a length leads beyond the bytes
   */
  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#values = new Map(decodeAttributes(bytes).map(({ type, value }) => [type, value]));
  }

  /** The bytes of one. */
  bytes(type: number): Uint8Array<ArrayBuffer> | undefined {
    return this.#values.get(type);
  }

  /** One that is a 32-bit number. */
  number(type: number): number | undefined {
    const bytes = this.#values.get(type);
    if (bytes === undefined || bytes.length < 4) return undefined;
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  }

  /** One that is a string, with or without a NUL at its end. */
  text(type: number): string | undefined {
    const bytes = this.#values.get(type);
    if (bytes === undefined) return undefined;
    const end = bytes.indexOf(0);
    return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
  }

  /**
   * One that holds attributes; none if it is missing.
   *
   * @throws {NetlinkFormatError}
   */
  nested(type: number): Attributes {
    return new Attributes(this.#values.get(type) ?? new Uint8Array());
  }
}

/** An attribute as it was received. Only its type tells whether it holds other attributes. */
export interface RawAttribute {
  readonly type: number;
  readonly value: Uint8Array<ArrayBuffer>;
}

/**
 * All attributes in their order, for lists whose members have one type.
 *
 * @throws {NetlinkFormatError} if a length leads beyond the bytes
 */
export function decodeAttributes(bytes: Uint8Array<ArrayBuffer>): RawAttribute[] {
  const attributes: RawAttribute[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length;) {
    const length = bytes.length - at < ATTRIBUTE_HEADER_SIZE ? 0 : view.getUint16(at, true);
    if (length < ATTRIBUTE_HEADER_SIZE || length > bytes.length - at) {
      throw truncated("attribute", at);
    }
    attributes.push({
      type: view.getUint16(at + 2, true) & TYPE_MASK,
      value: bytes.subarray(at + ATTRIBUTE_HEADER_SIZE, at + length),
    });
    at += align(length);
  }
  return attributes;
}

/** An attribute that is a 32-bit number. */
export function numberAttribute(type: number, value: number): Attribute {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return { type, value: bytes };
}

/**
 * An attribute that is a string with a NUL at its end.
 *
 * @throws {RangeError} if the text holds a NUL, at which the kernel would cut it short
 */
export function textAttribute(type: number, text: string): Attribute {
  if (text.includes("\0")) throw new RangeError("a NUL in a netlink string");
  return { type, value: new TextEncoder().encode(text + "\0") };
}

function truncated(what: string, at: number): NetlinkFormatError {
  return new NetlinkFormatError(`a netlink ${what} at byte ${at} does not fit its length`);
}

/** An attribute that is only there with a value. */
export function optional(
  type: number,
  value: Uint8Array<ArrayBuffer> | undefined,
): Attribute[] {
  return value === undefined ? [] : [{ type, value }];
}
