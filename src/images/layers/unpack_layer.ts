/**
 * From a layer's blob to its files: bytes are counted, hashed and decompressed as they come.
 *
 * @module
 */

import { gunzip, GzipError } from "../../../ffi/codecs/gunzip.ts";
import type { Hasher, Sha256 } from "../../../ffi/codecs/sha256.ts";
import { LIBZSTD, openZstd, unzstd, ZstdError } from "../../../ffi/codecs/zstd.ts";
import { SyscallError } from "../../../ffi/c/errno.ts";
import { ContainerError } from "../../errors.ts";
import { syscallFailure } from "../../failures/syscall_failure.ts";
import type { Pieces } from "../../streams/byte_reader.ts";
import { compressionOf, MAGIC_SIZE } from "../archive/compression.ts";
import { TarReader } from "../archive/tar_reader.ts";
import { imageInvalid } from "../archive/image_error.ts";
import type { LayerWriter } from "./layer_writer.ts";
import type { ImageCount } from "./limits.ts";

/** A layer that can be read. */
export interface LayerBlob {
  /** How errors name it: by its digest, or its name in an archive. */
  readonly name: string;
  /** The digest of the blob, if the image tells it. */
  readonly digest: string | undefined;
  /** The digest of the archive in the blob. */
  readonly diffId: string;
  /** How many bytes the blob has. */
  readonly size: number;
  /** The blob. */
  read(): Pieces;
}

/** What is common to the layers of an image. */
export interface Unpacking {
  readonly hasher: Hasher;
  readonly count: ImageCount;
  readonly signal: AbortSignal | undefined;
  /** Told how many bytes of the blob were read. */
  readonly onRead: (bytes: number) => void;
}

/**
 * Unpacks a layer. What is made is only to be trusted once this returns: the digests are known at
 * the end.
 *
 * @throws {ContainerError} `ImageInvalid`, `Unsupported`, or `SystemError`
 * @throws the signal's reason
 */
export async function unpackLayer(
  blob: LayerBlob,
  writer: LayerWriter,
  unpacking: Unpacking,
): Promise<void> {
  try {
    await unpack(blob, writer, unpacking);
  } catch (error) {
    throw namingPlace(error, blob, writer.where);
  }
}

async function unpack(blob: LayerBlob, writer: LayerWriter, unpacking: Unpacking): Promise<void> {
  const { hasher, count, signal } = unpacking;
  using packed = new Verified(hasher.begin(), blob.digest, "blob");
  using archive = new Verified(hasher.begin(), blob.diffId, "archive");
  const source = packed.watch(blob.read(), (size) => {
    signal?.throwIfAborted();
    unpacking.onRead(size);
  });
  const plain = archive.watch(decompressed(source, blob), (size) => {
    signal?.throwIfAborted();
    count.addBytes(size, archive.size, packed.size);
  });
  try {
    const reader = new TarReader(plain);
    const content = () => reader.content();
    for (let entry = await reader.next(); entry !== undefined; entry = await reader.next()) {
      count.addEntry();
      await writer.add(entry, content);
    }
    writer.finish();
    for await (const _rest of source); // what stands behind a compressed stream counts to the blob
  } finally {
    await plain.return(undefined);
    await source.return(undefined);
  }
  if (packed.size !== blob.size) throw imageInvalid(`has ${packed.size} bytes, not ${blob.size}`);
  packed.require();
  archive.require();
}

/** Bytes that are hashed as they pass. */
class Verified implements Disposable {
  readonly #hash: Sha256;
  readonly #digest: string | undefined;
  readonly #what: string;
  size = 0;

  constructor(hash: Sha256, digest: string | undefined, what: string) {
    this.#hash = hash;
    this.#digest = digest;
    this.#what = what;
  }

  async *watch(
    pieces: Pieces,
    onPiece: (size: number) => void,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for await (const piece of pieces) {
      this.#hash.update(piece);
      this.size += piece.length;
      onPiece(piece.length);
      yield piece;
    }
  }

  require(): void {
    const digest = `sha256:${this.#hash.hex()}`;
    if (this.#digest === undefined || digest === this.#digest) return;
    throw imageInvalid(`its ${this.#what} has the digest ${digest}, not ${this.#digest}`, {
      hint: "it was damaged or changed: fetch the image again",
    });
  }

  [Symbol.dispose](): void {
    this.#hash[Symbol.dispose]();
  }
}

/** What the blob holds. Its own first bytes tell how it is compressed, as media types may lie. */
async function* decompressed(
  source: AsyncGenerator<Uint8Array<ArrayBuffer>>,
  blob: LayerBlob,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const head: Uint8Array<ArrayBuffer>[] = [];
  let start = new Uint8Array(0);
  while (start.length < MAGIC_SIZE) {
    const { done, value } = await source.next();
    if (done === true) break;
    head.push(value.slice());
    start = new Uint8Array([...start, ...value.subarray(0, MAGIC_SIZE)]);
  }
  const all = (async function* () {
    yield* head;
    // not `yield*`, which would end the source together with this reader
    for (let next = await source.next(); next.done !== true; next = await source.next()) {
      yield next.value;
    }
  })();
  const compression = compressionOf(start);
  if (compression === "gzip") yield* gunzip(all);
  else if (compression === "zstd") yield* byZstd(all, blob);
  else yield* all;
}

async function* byZstd(all: Pieces, blob: LayerBlob): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const library = openZstd();
  if (library === undefined) {
    throw new ContainerError("Unsupported", `is compressed with zstd, and there is no ${LIBZSTD}`, {
      step: "image",
      hint: "install libzstd, or copy the image with skopeo copy --dest-compress-format gzip " +
        `(the blob is ${blob.digest ?? blob.name})`,
    });
  }
  yield* unzstd(library, all);
}

/** An error that says in which layer it was, and at which entry if it was at one. */
function namingPlace(error: unknown, { name }: LayerBlob, where: string | undefined): unknown {
  if (error instanceof GzipError || error instanceof ZstdError) {
    const at = where === undefined ? "" : `, at ${where}`;
    return imageInvalid(`the layer ${name} can't be decompressed${at}: ${error.message}`);
  }
  if (error instanceof ContainerError && error.step === "image") {
    const isNamed = where === undefined || error.summary.startsWith("the entry ");
    const summary = isNamed ? error.summary : `at ${where}: ${error.summary}`;
    return new ContainerError(error.code, `the layer ${name}: ${summary}`, {
      ...error,
      cause: error,
    });
  }
  if (!(error instanceof SyscallError)) return error;
  const what = where === undefined ? "" : `${where} of `;
  return syscallFailure(error, "SystemError", `cannot unpack ${what}the layer ${name}`, {
    step: "image",
    path: error.path,
    hint: hintOf(error),
  });
}

function hintOf({ syscall, code }: SyscallError): string | undefined {
  if (code === "EDQUOT") return "the user's quota is used up; what was made is removed";
  if (code !== "ENOSPC") return undefined;
  return syscall === "fsetxattr"
    ? "the file system is full, or has no room for an attribute of that size; what was made is removed"
    : "the file system is full; what was made is removed";
}
