/**
 * JSON documents of an image, which may hold anything.
 *
 * @module
 */

import type { Hasher } from "../../../ffi/codecs/sha256.ts";
import { isRecord } from "../../config/fields/field.ts";
import type { Blob, BlobSource } from "../archive/blob_source.ts";
import { imageInvalid, shown } from "../archive/image_error.ts";

/** As with other programs: no document of an image is larger. */
const MOST_BYTES = 4 * 1024 * 1024;

/** A document, or an object in one, with the words by which errors name it. */
export interface Document {
  readonly what: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** What points to a blob. */
export interface Descriptor {
  readonly digest: string;
  readonly size: number;
  readonly mediaType: string;
}

/** Reads a blob's text, of a bounded size. */
async function readText(blob: Blob, what: string): Promise<Uint8Array<ArrayBuffer>> {
  if (blob.size > MOST_BYTES) throw imageInvalid(`${what} has ${blob.size} bytes`);
  const bytes = new Uint8Array(blob.size);
  let size = 0;
  for await (const piece of blob.read()) {
    bytes.set(piece, size);
    size += piece.length;
  }
  return bytes.subarray(0, size);
}

/**
 * Reads a file of the image that is no blob; undefined if there is none.
 *
 * @throws {ContainerError} `ImageInvalid`
 */
export async function readJson(blobs: BlobSource, name: string): Promise<unknown> {
  const blob = blobs.find(name);
  return blob === undefined ? undefined : parse(await readText(blob, name), name);
}

/**
 * Reads a document by its digest, which is checked.
 *
 * @param what such as `the manifest`
 * @throws {ContainerError} `ImageInvalid`
 */
export async function readDocument(
  blobs: BlobSource,
  { digest, size }: Descriptor,
  what: string,
  hasher: Hasher,
): Promise<Document> {
  const blob = blobs.find(blobName(digest));
  if (blob === undefined) throw missing(what, digest);
  if (blob.size !== size) {
    throw imageInvalid(`${what} ${digest} has ${blob.size} bytes, not ${size} as is told of it`);
  }
  const bytes = await readText(blob, what);
  using hash = hasher.begin();
  hash.update(bytes);
  const found = `sha256:${hash.hex()}`;
  if (found !== digest) throw imageInvalid(`${what} has the digest ${found}, not ${digest}`);
  return asDocument(parse(bytes, what), what);
}

/** The error for a blob that is not there. */
export function missing(what: string, digest: string): Error {
  return imageInvalid(`${what} ${digest} is missing`, {
    hint: "copy the image as a whole, with skopeo copy docker://… oci:DIR",
  });
}

function parse(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw imageInvalid(`${what} is no JSON`);
  }
}

/** An object. */
export function asDocument(value: unknown, what: string): Document {
  if (isRecord(value)) return { what, value };
  throw imageInvalid(`${what} is no object`);
}

/** An object in a document; without it an empty one. */
export function objectIn({ what, value }: Document, name: string): Document {
  return asDocument(value[name] ?? {}, `${name} of ${what}`);
}

/** A text in a document; undefined if it is missing, null or empty. */
export function textIn({ what, value }: Document, name: string): string | undefined {
  const found = value[name];
  if (found === undefined || found === null || found === "") return undefined;
  if (typeof found === "string" && !found.includes("\0")) return found;
  throw imageInvalid(`${name} of ${what} is no text`);
}

/** A list in a document; without it an empty one. */
export function listIn({ what, value }: Document, name: string): readonly unknown[] {
  const found = value[name] ?? [];
  if (Array.isArray(found)) return found;
  throw imageInvalid(`${name} of ${what} is no list`);
}

/** A list of texts; undefined if it is missing or null. */
export function textsIn(document: Document, name: string): readonly string[] | undefined {
  if (document.value[name] === undefined || document.value[name] === null) return undefined;
  return listIn(document, name).map((each) => {
    if (typeof each === "string" && !each.includes("\0")) return each;
    throw imageInvalid(`${name} of ${document.what} holds what is no text`);
  });
}

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** A digest that hull can check. */
export function checkDigest(digest: unknown, what: string): string {
  if (typeof digest === "string" && DIGEST.test(digest)) return digest;
  throw imageInvalid(`${what} has ${shown(String(digest))} for its digest`, {
    hint: "hull reads images with sha256 digests",
  });
}

/** Where a layout has a blob. */
export function blobName(digest: string): string {
  return `blobs/sha256/${digest.slice("sha256:".length)}`;
}

/** A descriptor. */
export function asDescriptor(value: unknown, what: string): Descriptor {
  const document = asDocument(value, `the descriptor of ${what}`);
  const { size } = document.value;
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
    throw imageInvalid(`the size of ${what} is no number of bytes`);
  }
  return {
    digest: checkDigest(document.value["digest"], what),
    size,
    mediaType: textIn(document, "mediaType") ?? "",
  };
}
