/**
 * Reads tar archives as a stream: ustar, with the extensions of pax(1) and of GNU tar for long names.
 *
 * @module
 */

import { decodeRaw } from "../../../ffi/c/raw_text.ts";
import type { FileTime } from "../../../ffi/files/times.ts";
import { entryInvalid, imageInvalid } from "./image_error.ts";
import { ByteReader, type Pieces } from "../../streams/byte_reader.ts";
import { parseRecords, type PaxRecords, sparse } from "./pax_records.ts";
import { BLOCK, damaged, isZeros, parseHeader, type TarHeader } from "./tar_header.ts";

/** What an entry is. */
export type TarKind = "block" | "char" | "dir" | "fifo" | "file" | "link" | "symlink";

const KINDS: Readonly<Record<string, TarKind>> = {
  "0": "file",
  "7": "file",
  "1": "link",
  "2": "symlink",
  "3": "char",
  "4": "block",
  "5": "dir",
  "6": "fifo",
};

/** One file of an archive. */
export interface TarEntry {
  /** As it stands in the archive: it can be any path. */
  readonly name: string;
  readonly kind: TarKind;
  /** Permissions alone. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** How many bytes its content has; 0 but for files. */
  readonly size: number;
  readonly mtime: FileTime;
  /** Where a link leads. */
  readonly target: string;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** Extended attributes by their names. */
  readonly attributes: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
}

/** The most bytes of one extension: attributes of 64 KiB each, and names of 4 KiB. */
const MOST_EXTENSION = 1024 * 1024;
const MOST_NAME = 4096;

const NO_ATTRIBUTES: ReadonlyMap<string, Uint8Array<ArrayBuffer>> = new Map();

/**
 * An archive, entry by entry. The content of an entry is read before the next entry, or skipped.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { TarReader } from "./tar_reader.ts";
 *
 * async function* twoEmptyBlocks() {
 *   yield new Uint8Array(1024);
 * }
 * assertEquals(await new TarReader(twoEmptyBlocks()).next(), undefined);
 * ```
 */
export class TarReader {
  readonly #reader: ByteReader;
  /** What is left of the entry's content. */
  #left = 0;
  #padding = 0;

  /** Reads nothing yet. */
  constructor(pieces: Pieces) {
    this.#reader = new ByteReader(pieces);
  }

  /** Where the entry's content begins, right after {@linkcode next}. */
  get position(): number {
    return this.#reader.position;
  }

  /**
   * The next entry; undefined at the archive's end. What follows the end is read as well, since it
   * counts to the archive's digest.
   *
   * @throws {ContainerError} `ImageInvalid`
   */
  async next(): Promise<TarEntry | undefined> {
    await this.#skip(this.#left + this.#padding);
    const extensions: PaxRecords = { attributes: new Map() };
    for (;;) {
      const at = this.#reader.position;
      const block = await this.#reader.take(BLOCK);
      if (block.length === 0 || (block.length === BLOCK && isZeros(block))) {
        if (hasAny(extensions)) {
          throw damaged(at, "the entry that an extension belongs to is missing");
        }
        return await this.#drain();
      }
      if (block.length < BLOCK) throw damaged(at, "the archive breaks off");
      const header = parseHeader(block, at);
      if (!await this.#extend(header, extensions)) return this.#begin(header, extensions);
    }
  }

  /** The next piece of the entry's content, good until the next call; undefined at its end. */
  async content(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (this.#left === 0) return undefined;
    const piece = await this.#reader.some(this.#left);
    if (piece === undefined) throw imageInvalid("the archive breaks off within a file");
    this.#left -= piece.length;
    return piece;
  }

  /** Reads no more, and closes what the stream holds. */
  async close(): Promise<void> {
    await this.#reader.close();
  }

  /** Reads a header that belongs to the next one; false if it is an entry itself. */
  async #extend(header: TarHeader, extensions: PaxRecords): Promise<boolean> {
    const { type, size } = header;
    if (type === "L") extensions.name = await this.#longName(size);
    else if (type === "K") extensions.linkname = await this.#longName(size);
    else if (type === "g") parseRecords(await this.#extension(size, MOST_EXTENSION), true);
    else if (type === "x") {
      const records = parseRecords(await this.#extension(size, MOST_EXTENSION), false);
      for (const [name, value] of records.attributes) extensions.attributes.set(name, value);
      const { attributes: _laid, ...others } = records;
      Object.assign(extensions, others);
    } else return false;
    return true;
  }

  #begin(header: TarHeader, extensions: PaxRecords): TarEntry {
    const { name = header.name, linkname = header.linkname, size = header.size } = extensions;
    const { mode, uid, gid, mtime, type, deviceMajor, deviceMinor } = header;
    if (type === "S") throw sparse();
    const found = KINDS[type];
    if (found === undefined) {
      throw entryInvalid(name, `is of an unknown type ${JSON.stringify(type)}`);
    }
    // before there was a type for folders, a slash at the end told them
    const kind = found === "file" && name.endsWith("/") ? "dir" : found;
    if (kind !== "file" && size !== 0) throw entryInvalid(name, `has content, as a ${kind}`);
    this.#left = size;
    this.#padding = (BLOCK - size % BLOCK) % BLOCK;
    return {
      name,
      kind,
      mode,
      uid: extensions.uid ?? uid,
      gid: extensions.gid ?? gid,
      size,
      mtime: extensions.mtime ?? { seconds: BigInt(mtime), nanoseconds: 0 },
      target: linkname,
      deviceMajor,
      deviceMinor,
      attributes: extensions.attributes.size === 0 ? NO_ATTRIBUTES : extensions.attributes,
    };
  }

  async #longName(size: number): Promise<string> {
    const bytes = await this.#extension(size, MOST_NAME + 1);
    const end = bytes.indexOf(0);
    return decodeRaw(end < 0 ? bytes : bytes.subarray(0, end));
  }

  async #extension(size: number, most: number): Promise<Uint8Array<ArrayBuffer>> {
    if (size > most) throw imageInvalid(`the archive has an extension of ${size} bytes`);
    const bytes = await this.#reader.take(size);
    if (bytes.length < size) throw imageInvalid("the archive breaks off within an extension");
    await this.#skip((BLOCK - size % BLOCK) % BLOCK);
    return bytes;
  }

  async #skip(count: number): Promise<void> {
    for (let left = count; left > 0;) {
      const piece = await this.#reader.some(left);
      if (piece === undefined) throw imageInvalid("the archive breaks off");
      left -= piece.length;
    }
    this.#left = this.#padding = 0;
  }

  async #drain(): Promise<undefined> {
    while (await this.#reader.some(Infinity) !== undefined);
    return undefined;
  }
}

function hasAny({ attributes, ...others }: PaxRecords): boolean {
  return attributes.size > 0 || Object.keys(others).length > 0;
}
