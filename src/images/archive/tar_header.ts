/**
 * The blocks of a tar archive as values. Archives are anybody's: a field that can be read in two
 * ways is refused, lest another reader has checked something else than what hull unpacks.
 *
 * Source: POSIX pax(1), "ustar Interchange Format"; GNU tar's "Basic Tar Format".
 *
 * @module
 */

import { decodeRaw } from "../../../ffi/c/raw_text.ts";
import { imageInvalid } from "./image_error.ts";

/** The size of a block, of which an archive is made. */
export const BLOCK = 512;

/** What a header says by itself, before what an extension lays over it. */
export interface TarHeader {
  readonly name: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  /** One character, such as `5` for a folder. */
  readonly type: string;
  readonly linkname: string;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
}

/** Whether a block is what an archive ends with. */
export function isZeros(block: Uint8Array): boolean {
  return block.every((byte) => byte === 0);
}

/**
 * Reads a header.
 *
 * @param at where in the archive it stands, for errors
 * @throws {ContainerError} `ImageInvalid`
 */
export function parseHeader(block: Uint8Array<ArrayBuffer>, at: number): TarHeader {
  if (!hasSum(block)) throw damaged(at, "its sum is wrong, so that this is no tar archive");
  const number = (from: number, length: number, what: string) =>
    parseNumber(block.subarray(from, from + length), at, what);
  const magic = decodeRaw(block.subarray(257, 263));
  const isPosix = magic === "ustar\0";
  const prefix = isPosix ? textOf(block.subarray(345, 500)) : "";
  const name = textOf(block.subarray(0, 100));
  const hasDevice = magic.startsWith("ustar");
  const type = String.fromCharCode(block[156] as number);
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    mode: number(100, 8, "mode") & 0o7777,
    uid: id(number(108, 8, "uid"), at),
    gid: id(number(116, 8, "gid"), at),
    size: number(124, 12, "size"),
    mtime: number(136, 12, "mtime"),
    type: type === "\0" ? "0" : type,
    linkname: textOf(block.subarray(157, 257)),
    deviceMajor: hasDevice ? number(329, 8, "devmajor") : 0,
    deviceMinor: hasDevice ? number(337, 8, "devminor") : 0,
  };
}

const MAX_ID = 0xffff_fffe;

function id(number: number, at: number): number {
  if (number >= 0 && number <= MAX_ID) return number;
  throw damaged(at, `it has the id ${number}`);
}

/** The sum of the header's bytes, with blanks in its own place; some old writers add signed ones. */
function hasSum(block: Uint8Array): boolean {
  let unsigned = 0;
  let signed = 0;
  for (let k = 0; k < BLOCK; k++) {
    const byte = k >= 148 && k < 156 ? 0x20 : block[k] as number;
    unsigned += byte;
    signed += byte << 24 >> 24;
  }
  const text = decodeRaw(block.subarray(148, 156)).replace(/[\0 ]+$/, "").trimStart();
  const told = /^[0-7]+$/.test(text) ? parseInt(text, 8) : NaN;
  return told === unsigned || told === signed;
}

/** A field's text up to its first NUL. */
function textOf(field: Uint8Array): string {
  const end = field.indexOf(0);
  return decodeRaw(end < 0 ? field : field.subarray(0, end));
}

/**
 * A number: octal digits that end in NULs or blanks, or, where the first byte has its highest bit,
 * the big-endian bytes of a signed one (GNU's base-256).
 */
function parseNumber(field: Uint8Array, at: number, what: string): number {
  const first = field[0] as number;
  if ((first & 0x80) !== 0) {
    let value = BigInt.asIntN(7, BigInt(first & 0x7f));
    for (const byte of field.subarray(1)) value = value << 8n | BigInt(byte);
    return exact(value, at, what);
  }
  const text = decodeRaw(field).replace(/[\0 ]+$/, "").trimStart();
  if (text === "") return 0;
  if (!/^[0-7]+$/.test(text)) throw damaged(at, `its ${what} is no octal number`);
  return exact(BigInt(`0o${text}`), at, what);
}

function exact(value: bigint, at: number, what: string): number {
  if (what !== "mtime" && value < 0n) throw damaged(at, `its ${what} is negative`);
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw damaged(at, `its ${what} is beyond 2^53`);
}

/** The error for a header that can't be read. */
export function damaged(at: number, what: string): Error {
  return imageInvalid(`the archive's header at byte ${at} can't be read: ${what}`);
}
