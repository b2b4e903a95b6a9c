/**
 * Decompresses gzip streams, by zlib where the host has it.
 *
 * The engine's DecompressionStream gives all that a piece holds at once, which may be a thousand
 * times as much, and takes no second member, of which seekable layers have one for each file. So it
 * is only for hosts without zlib, and gets small pieces.
 *
 * Source: RFC 1952; zlib.h, "inflateInit2".
 *
 * @module
 */

import { addressOf, cString } from "../c/memory.ts";

/** The library's file. */
export const LIBZ = "libz.so.1";

const SYMBOLS = {
  /** int inflateInit2_(z_streamp strm, int windowBits, const char *version, int stream_size) */
  inflateInit2_: { parameters: ["buffer", "i32", "buffer", "i32"], result: "i32" },
  /** int inflate(z_streamp strm, int flush) */
  inflate: { parameters: ["buffer", "i32"], result: "i32" },
  /** int inflateReset(z_streamp strm) */
  inflateReset: { parameters: ["buffer"], result: "i32" },
  /** int inflateEnd(z_streamp strm) */
  inflateEnd: { parameters: ["buffer"], result: "i32" },
} as const;

type Library = Deno.DynamicLibrary<typeof SYMBOLS>;
type Pieces = AsyncIterable<Uint8Array<ArrayBuffer>>;

const Z_OK = 0;
const Z_STREAM_END = 1;
const Z_BUF_ERROR = -5;
/** A gzip header and the largest window. */
const GZIP_WINDOW = 31;
const OUTPUT = 128 * 1024;

/** A stream that is no gzip, or breaks off. */
export class GzipError extends Error {
  /** Always `GzipError`. */
  override readonly name = "GzipError";
}

/**
 * What compressed pieces hold. Each piece that it gives is only good until the next one is asked for.
 *
 * @throws {GzipError}
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { gunzip } from "./gunzip.ts";
 *
 * const packed = new Blob(["hello"]).stream().pipeThrough(new CompressionStream("gzip"));
 * const decoder = new TextDecoder();
 * let text = "";
 * for await (const piece of gunzip(packed)) text += decoder.decode(piece, { stream: true });
 * assertEquals(text, "hello");
 * ```
 */
export async function* gunzip(
  source: Pieces,
  file: string = LIBZ,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const library = openLibrary(file);
  yield* library === undefined ? byEngine(source) : byLibrary(library, source);
}

function openLibrary(file: string): Library | undefined {
  try {
    return Deno.dlopen(file, SYMBOLS);
  } catch {
    return undefined;
  }
}

async function* byLibrary(
  { symbols }: Library,
  source: Pieces,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const stream = new ZStream();
  const begun = symbols.inflateInit2_(stream.bytes, GZIP_WINDOW, VERSION, stream.bytes.length);
  if (begun !== Z_OK) throw new GzipError(`zlib can't be used (${begun})`);
  const output = new Uint8Array(OUTPUT);
  let isOver = true; // a member has ended, and none has begun
  try {
    for await (const piece of source) {
      stream.give(piece);
      // what is left in zlib comes out as well, before the next piece goes in
      for (let isFull = false; stream.available > 0 || isFull;) {
        if (isOver) symbols.inflateReset(stream.bytes);
        stream.takeInto(output);
        const result = symbols.inflate(stream.bytes, 0);
        isOver = result === Z_STREAM_END;
        if (!isOver && result !== Z_OK && result !== Z_BUF_ERROR) {
          throw new GzipError("it is no gzip, or damaged");
        }
        const size = output.length - stream.room;
        isFull = stream.room === 0 && !isOver;
        if (size > 0) yield output.subarray(0, size);
      }
    }
    if (!isOver) throw new GzipError("it breaks off");
  } finally {
    symbols.inflateEnd(stream.bytes);
  }
}

/** zlib wants to know which version of its header the caller has: the first digit must be its own. */
const VERSION = cString("1.2.0");

/** z_stream: next_in, avail_in, total_in, next_out, avail_out, … */
class ZStream {
  readonly bytes = new Uint8Array(new ArrayBuffer(112));
  readonly #view = new DataView(this.bytes.buffer);
  #input: Uint8Array<ArrayBuffer> | undefined;

  /** How many bytes of the input are left. */
  get available(): number {
    return this.#view.getUint32(8, true);
  }

  /** How many bytes of the output are free. */
  get room(): number {
    return this.#view.getUint32(32, true);
  }

  give(input: Uint8Array<ArrayBuffer>): void {
    this.#input = input; // keeps the memory that the structure points to
    this.#view.setBigUint64(0, addressOf(this.#input), true);
    this.#view.setUint32(8, input.length, true);
  }

  takeInto(output: Uint8Array<ArrayBuffer>): void {
    this.#view.setBigUint64(24, addressOf(output), true);
    this.#view.setUint32(32, output.length, true);
  }
}

/** What the engine gets at once: at most some 4 MiB come of it. */
const SMALL = 4096;

async function* byEngine(source: Pieces): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const small = async function* () {
    for await (const piece of source) {
      for (let at = 0; at < piece.length; at += SMALL) yield piece.slice(at, at + SMALL);
    }
  };
  const stream = ReadableStream.from(small()).pipeThrough(new DecompressionStream("gzip"));
  try {
    yield* stream;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new GzipError("it is no gzip, damaged, breaks off, or has several members", {
      cause: error,
    });
  }
}
