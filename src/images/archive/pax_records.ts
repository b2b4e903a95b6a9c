/**
 * The records of pax(1) that stand before a header: names and numbers too long for it, and extended
 * attributes.
 *
 * @module
 */

import { decodeRaw } from "../../../ffi/c/raw_text.ts";
import type { FileTime } from "../../../ffi/files/times.ts";
import { imageInvalid } from "./image_error.ts";

/** What is laid over a header. */
export interface PaxRecords {
  name?: string;
  linkname?: string;
  size?: number;
  uid?: number;
  gid?: number;
  mtime?: FileTime;
  /** By their names. */
  readonly attributes: Map<string, Uint8Array<ArrayBuffer>>;
}

const XATTR = "SCHILY.xattr.";
const EQUALS = 0x3d;
const NEWLINE = 0x0a;
const BLANK = 0x20;
const MAX_ID = 0xffff_fffe;

/**
 * Reads the records.
 *
 * @param isGlobal whether they would count for all that follows: then only comments are taken,
 *   since readers differ in what they make of others
 * @throws {ContainerError} `ImageInvalid`
 */
export function parseRecords(bytes: Uint8Array<ArrayBuffer>, isGlobal: boolean): PaxRecords {
  const records: PaxRecords = { attributes: new Map() };
  for (const [key, value] of split(bytes)) {
    if (!isGlobal) lay(records, key, value);
    else if (key !== "comment") throw invalid(`has ${key} for all entries`);
  }
  return records;
}

/** `LENGTH KEY=VALUE\n`, where the length counts all of it. */
function* split(bytes: Uint8Array<ArrayBuffer>): Generator<[string, Uint8Array<ArrayBuffer>]> {
  for (let rest = bytes; rest.length > 0;) {
    const blank = rest.subarray(0, 10).indexOf(BLANK);
    const digits = decodeRaw(rest.subarray(0, Math.max(blank, 0)));
    const length = /^[1-9]\d*$/.test(digits) ? Number(digits) : 0;
    const record = rest.subarray(0, length);
    const equals = record.indexOf(EQUALS);
    const isWhole = length <= rest.length && record.at(-1) === NEWLINE && equals > blank + 1;
    if (length === 0 || !isWhole) throw invalid("can't be read");
    const key = decodeRaw(record.subarray(blank + 1, equals));
    yield [key, record.slice(equals + 1, -1)];
    rest = rest.subarray(length);
  }
}

function lay(records: PaxRecords, key: string, value: Uint8Array<ArrayBuffer>): void {
  const text = () => {
    if (value.includes(0)) throw invalid(`has a NUL in its ${key}`);
    return decodeRaw(value);
  };
  if (key === "path") records.name = text();
  else if (key === "linkpath") records.linkname = text();
  else if (key === "size") records.size = number(text(), key, Number.MAX_SAFE_INTEGER);
  else if (key === "uid") records.uid = number(text(), key, MAX_ID);
  else if (key === "gid") records.gid = number(text(), key, MAX_ID);
  else if (key === "mtime") records.mtime = time(text());
  else if (key.startsWith(XATTR)) records.attributes.set(key.slice(XATTR.length), value);
  else if (key.startsWith("GNU.sparse.")) throw sparse();
}

function number(text: string, key: string, most: number): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (value <= most) return value;
  throw invalid(`has ${JSON.stringify(text.slice(0, 40))} for its ${key}`);
}

/** Decimal seconds, with any number of digits behind the point, before 1970 negative. */
function time(text: string): FileTime {
  const match = /^(-?)(\d{1,12})(?:\.(\d{0,40}))?$/.exec(text);
  if (match === null) throw invalid("has no time for its mtime");
  const [, sign = "", whole = "", part = ""] = match;
  const seconds = BigInt(whole);
  const nanoseconds = Number(part.slice(0, 9).padEnd(9, "0"));
  if (sign === "") return { seconds, nanoseconds };
  return nanoseconds === 0
    ? { seconds: -seconds, nanoseconds }
    : { seconds: -seconds - 1n, nanoseconds: 1e9 - nanoseconds };
}

function invalid(what: string): Error {
  return imageInvalid(`a pax record of the archive ${what}`);
}

/** The error for a file with holes. */
export function sparse(): Error {
  return imageInvalid("the archive has a sparse file, which is not supported", {
    hint: "make it anew without tar's --sparse",
  });
}
