/**
 * What is in a sandbox's files: read, written, copied.
 *
 * @module
 */

import { SyscallError } from "../../../ffi/c/errno.ts";

/** More is read in pieces: a program inside can make a file look as long as it likes. */
const MOST_AT_ONCE = 512 * 1024 * 1024;
const PIECE = 256 * 1024;
const EFBIG = 27;

/**
 * Reads to the end, but not without one.
 *
 * @throws {SyscallError} EFBIG for more than 512 MiB
 */
export async function readWhole(
  file: Deno.FsFile,
  path: string,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const { size } = await file.stat();
  if (size > MOST_AT_ONCE) throw new SyscallError("read", EFBIG, path);
  let bytes = new Uint8Array(size + 1);
  for (let length = 0;;) {
    signal?.throwIfAborted();
    if (length === bytes.length) {
      if (length > MOST_AT_ONCE) throw new SyscallError("read", EFBIG, path);
      const larger = new Uint8Array(2 * length);
      larger.set(bytes);
      bytes = larger;
    }
    const count = await file.read(bytes.subarray(length, length + PIECE));
    if (count === null) return bytes.subarray(0, length);
    length += count;
  }
}

/** Writes all of it. */
export async function writeChunks(
  file: Deno.FsFile,
  data: Uint8Array | ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const chunks = data instanceof Uint8Array ? [data] : data;
  for await (const chunk of chunks) {
    for (let rest = chunk; rest.length > 0;) {
      signal?.throwIfAborted();
      rest = rest.subarray(await file.write(rest.subarray(0, PIECE)));
    }
  }
}

/** Copies what is in a file to the end of another. */
export async function copyContent(source: Deno.FsFile, target: Deno.FsFile): Promise<void> {
  const piece = new Uint8Array(PIECE);
  for (let size = await source.read(piece); size !== null; size = await source.read(piece)) {
    for (let done = 0; done < size;) done += await target.write(piece.subarray(done, size));
  }
}
