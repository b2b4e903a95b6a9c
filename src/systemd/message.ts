/**
 * The messages of D-Bus: a header and a body.
 *
 * Source: D-Bus specification, "Message Format".
 *
 * @module
 */

import { decode, encode } from "./marshal.ts";
import { DBusFormatError, MOST_ARRAY_BYTES } from "./signature.ts";

export const METHOD_CALL = 1;
export const METHOD_RETURN = 2;
export const ERROR = 3;
export const SIGNAL = 4;

/** A message; which fields it has depends on its type. */
export interface Message {
  /** METHOD_CALL, METHOD_RETURN, ERROR, SIGNAL, or a number that is to be ignored. */
  readonly type: number;
  /** 1: no reply expected; 2: start no service for it; 4: may ask the user for the right. */
  readonly flags?: number | undefined;
  /** The sender's number of this message, not 0. */
  readonly serial: number;
  readonly path?: string | undefined;
  readonly interface?: string | undefined;
  readonly member?: string | undefined;
  readonly errorName?: string | undefined;
  /** The serial of the call that this is the answer to. */
  readonly replySerial?: number | undefined;
  readonly destination?: string | undefined;
  /** The unique name of who sent it. On a bus the bus itself puts it in, so it can be relied on. */
  readonly sender?: string | undefined;
  /** The types of the body; without one there is none. */
  readonly signature?: string | undefined;
  readonly body?: readonly unknown[] | undefined;
}

/** Bytes of the header up to its fields, with their length. */
export const FIXED_SIZE = 16;
const MOST_BYTES = 128 * 1024 * 1024;
const VERSION = 1;
const HEADER = "yyyyuua(yv)";
const [LITTLE, BIG] = ["l".charCodeAt(0), "B".charCodeAt(0)];

/** The fields with their codes and types, in the order in which sd-bus writes them. */
const FIELDS = [
  ["path", 1, "o"],
  ["member", 3, "s"],
  ["interface", 2, "s"],
  ["replySerial", 5, "u"],
  ["errorName", 4, "s"],
  ["destination", 6, "s"],
  ["sender", 7, "s"],
  ["signature", 8, "g"],
] as const;

/** What each type must have. */
const NEEDED: Readonly<Record<number, readonly (keyof Message)[]>> = {
  [METHOD_CALL]: ["path", "member"],
  [METHOD_RETURN]: ["replySerial"],
  [ERROR]: ["replySerial", "errorName"],
  [SIGNAL]: ["path", "interface", "member"],
};

/**
 * A message as bytes, little endian.
 *
 * @throws {DBusFormatError} if the body is not of its signature, or too long
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { decodeMessage, encodeMessage, METHOD_CALL } from "./message.ts";
 *
 * const call = { type: METHOD_CALL, serial: 1, path: "/", member: "Get", signature: "s", body: ["a"] };
 * assertEquals(decodeMessage(encodeMessage(call)).body, ["a"]);
 * ```
 */
export function encodeMessage(message: Message): Uint8Array<ArrayBuffer> {
  const { type, flags = 0, serial, signature = "" } = message;
  const body = encode(signature, message.body ?? []);
  const fields = FIELDS.flatMap(([name, code, signature]) => {
    const value = message[name];
    return value === undefined || value === "" ? [] : [[code, { signature, value }]];
  });
  const start = [LITTLE, type, flags, VERSION, body.length, serial];
  const header = encode(HEADER, [...start, fields]);
  const bodyAt = aligned(header.length);
  if (bodyAt + body.length > MOST_BYTES) throw tooLong();
  const bytes = new Uint8Array(bodyAt + body.length);
  bytes.set(header);
  bytes.set(body, bodyAt);
  return bytes;
}

/**
 * How long a message is.
 *
 * @param start its first bytes, at least {@linkcode FIXED_SIZE}
 * @throws {DBusFormatError} if it is longer than D-Bus permits, or no message
 */
export function messageLength(start: Uint8Array): number {
  const { bodyAt, bodySize } = measures(start);
  return bodyAt + bodySize;
}

/** A message without its body. */
export type Head = Omit<Message, "body">;

/**
 * The message that some bytes are, of either byte order.
 *
 * @param bytes as many as {@linkcode messageLength} says
 * @throws {DBusFormatError}
 */
export function decodeMessage(bytes: Uint8Array): Message {
  return decodeWanted(bytes, () => true) as Message;
}

/**
 * The same, if it is wanted. To read the body of a message that nobody waits for is most of the work
 * with it.
 *
 * @param isWanted by what stands before its body
 * @returns undefined if it is not wanted
 * @throws {DBusFormatError}
 */
export function decodeWanted(
  bytes: Uint8Array,
  isWanted: (head: Head) => boolean,
): Message | undefined {
  const { isLittle, fieldsEnd, bodyAt } = measures(bytes);
  const header = decode(HEADER, bytes.subarray(0, fieldsEnd), 0, isLittle) as unknown as Header;
  if (bytes.subarray(fieldsEnd, bodyAt).some((byte) => byte !== 0)) {
    throw new DBusFormatError("padding is not zero");
  }
  const [, type, flags, , , serial, list] = header;
  const fields = readFields(list);
  for (const name of NEEDED[type] ?? []) {
    if (fields[name] === undefined) throw new DBusFormatError(`a message has no ${name}`);
  }
  if (type === 0 || serial === 0) throw new DBusFormatError("a message has no type or no serial");
  const head: Head = { ...fields, type, flags, serial };
  if (!isWanted(head)) return undefined;
  return { ...head, body: decode(fields.signature ?? "", bytes.subarray(bodyAt), 0, isLittle) };
}

/** What a header holds. */
type Header = [number, number, number, number, number, number, readonly HeaderField[]];
type HeaderField = readonly [number, { readonly signature: string; readonly value: unknown }];

function readFields(list: readonly HeaderField[]): Partial<Message> {
  return Object.fromEntries(list.flatMap(([code, { signature, value }]) => {
    const known = FIELDS.find(([, number]) => number === code);
    if (known === undefined) return []; // of a later version
    if (known[2] !== signature) {
      throw new DBusFormatError(`${known[0]} is of the type ${signature}`);
    }
    return [[known[0], value]];
  }));
}

function measures(start: Uint8Array): {
  readonly isLittle: boolean;
  readonly fieldsEnd: number;
  readonly bodyAt: number;
  readonly bodySize: number;
} {
  const [order, , , version] = start;
  if (start.length < FIXED_SIZE || (order !== LITTLE && order !== BIG) || version !== VERSION) {
    throw new DBusFormatError("this is no message");
  }
  const isLittle = order === LITTLE;
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  const bodySize = view.getUint32(4, isLittle);
  const fieldsSize = view.getUint32(12, isLittle);
  const fieldsEnd = FIXED_SIZE + fieldsSize;
  const bodyAt = aligned(fieldsEnd);
  if (fieldsSize > MOST_ARRAY_BYTES || bodyAt + bodySize > MOST_BYTES) throw tooLong();
  return { isLittle, fieldsEnd, bodyAt, bodySize };
}

function aligned(size: number): number {
  return Math.ceil(size / 8) * 8;
}

function tooLong(): DBusFormatError {
  return new DBusFormatError("a message is longer than 128 MiB");
}
