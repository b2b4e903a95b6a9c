/**
 * What a process has used, as the kernel tells it with its end: getrusage(2).
 *
 * @module
 */

/** The size of a struct rusage. */
export const RUSAGE_SIZE = 144;

const BLOCK = 512;
const KIB = 1024;

/** What a process used, with those of its children that it has waited for. */
export interface ResourceUsage {
  /** CPU time in user mode, in milliseconds. */
  readonly userMs: number;
  /** CPU time in the kernel, in milliseconds. */
  readonly systemMs: number;
  /** The most memory that one of these processes had at once, in bytes. */
  readonly peakBytes: number;
  /** Bytes that were read from block devices. */
  readonly readBytes: number;
  /** Bytes that were written to block devices, or that are to be. */
  readonly writtenBytes: number;
}

/** What a struct rusage says. */
export function decodeUsage(usage: Uint8Array<ArrayBuffer>): ResourceUsage {
  const words = new DataView(usage.buffer, usage.byteOffset);
  const at = (index: number) => Number(words.getBigInt64(8 * index, true));
  return {
    userMs: at(0) * 1000 + at(1) / 1000,
    systemMs: at(2) * 1000 + at(3) / 1000,
    peakBytes: at(4) * KIB,
    readBytes: at(11) * BLOCK,
    writtenBytes: at(12) * BLOCK,
  };
}
