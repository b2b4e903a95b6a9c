/**
 * Decompresses Zstandard streams by libzstd, which the engine lacks.
 *
 * Source: RFC 8878; zstd.h, "Streaming decompression". By default the library refuses windows above
 * 128 MiB, which bounds its memory.
 *
 * @module
 */

import { addressOf } from "../c/memory.ts";

/** The library's file. */
export const LIBZSTD = "libzstd.so.1";

const SYMBOLS = {
  /** ZSTD_DStream *ZSTD_createDStream(void) */
  ZSTD_createDStream: { parameters: [], result: "pointer" },
  /** size_t ZSTD_freeDStream(ZSTD_DStream *zds) */
  ZSTD_freeDStream: { parameters: ["pointer"], result: "usize" },
  /** size_t ZSTD_decompressStream(ZSTD_DStream *, ZSTD_outBuffer *, ZSTD_inBuffer *) */
  ZSTD_decompressStream: { parameters: ["pointer", "buffer", "buffer"], result: "usize" },
  /** unsigned ZSTD_isError(size_t code) */
  ZSTD_isError: { parameters: ["usize"], result: "u32" },
  /** const char *ZSTD_getErrorName(size_t code) */
  ZSTD_getErrorName: { parameters: ["usize"], result: "pointer" },
} as const;

type Library = Deno.DynamicLibrary<typeof SYMBOLS>;

const OUTPUT = 128 * 1024;

/** A stream that is no Zstandard, or breaks off. */
export class ZstdError extends Error {
  /** Always `ZstdError`. */
  override readonly name = "ZstdError";
}

/**
 * Opens the library.
 *
 * @returns undefined where the host has none
 */
export function openZstd(file: string = LIBZSTD): Library | undefined {
  try {
    return Deno.dlopen(file, SYMBOLS);
  } catch {
    return undefined;
  }
}

/**
 * What compressed pieces hold. Each piece that it gives is only good until the next one is asked for.
 *
 * @throws {ZstdError}
 */
export async function* unzstd(
  library: Library,
  source: AsyncIterable<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const { symbols } = library;
  const stream = symbols.ZSTD_createDStream();
  const output = new Uint8Array(OUTPUT);
  let left = 0n; // what the library says: 0 at the end of a frame
  try {
    for await (const piece of source) {
      const taken = new StructBuffer(piece);
      while (taken.position < piece.length) {
        const given = new StructBuffer(output);
        left = symbols.ZSTD_decompressStream(stream, given.bytes, taken.bytes);
        if (symbols.ZSTD_isError(left) !== 0) throw new ZstdError(nameOf(library, left));
        if (given.position > 0) yield output.subarray(0, given.position);
      }
    }
    yield* flush(library, stream, output, left);
  } finally {
    symbols.ZSTD_freeDStream(stream);
  }
}

/** What the library still holds when there is no more input. */
function* flush(
  { symbols }: Library,
  stream: Deno.PointerValue,
  output: Uint8Array<ArrayBuffer>,
  left: bigint,
): Generator<Uint8Array<ArrayBuffer>> {
  const nothing = new StructBuffer(new Uint8Array(1), 0);
  while (left !== 0n) {
    const given = new StructBuffer(output);
    left = symbols.ZSTD_decompressStream(stream, given.bytes, nothing.bytes);
    if (given.position === 0 && left !== 0n) throw new ZstdError("it breaks off");
    yield output.subarray(0, given.position);
  }
}

function nameOf({ symbols }: Library, code: bigint): string {
  const name = symbols.ZSTD_getErrorName(code);
  return name === null ? "unknown error" : Deno.UnsafePointerView.getCString(name);
}

/** ZSTD_inBuffer and ZSTD_outBuffer: an address, a size, and a position. */
class StructBuffer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Keeps the memory that the structure points to. */
  readonly of: Uint8Array<ArrayBuffer>;

  constructor(of: Uint8Array<ArrayBuffer>, size = of.length) {
    this.of = of;
    this.bytes = new Uint8Array(new BigUint64Array([addressOf(of), BigInt(size), 0n]).buffer);
  }

  get position(): number {
    return Number(new DataView(this.bytes.buffer).getBigUint64(16, true));
  }
}
