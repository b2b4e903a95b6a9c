/**
 * How bytes are compressed, by the first of them.
 *
 * Source: RFC 1952, RFC 8878.
 *
 * @module
 */

/** What hull can decompress. */
export type Compression = "gzip" | "zstd";

/** How many bytes tell. */
export const MAGIC_SIZE = 4;

const GZIP = [0x1f, 0x8b];
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd];

/** How what begins with these bytes is compressed; undefined if it is not. */
export function compressionOf(start: Uint8Array): Compression | undefined {
  const begins = (magic: readonly number[]) => magic.every((byte, k) => start[k] === byte);
  return begins(GZIP) ? "gzip" : begins(ZSTD) ? "zstd" : undefined;
}
