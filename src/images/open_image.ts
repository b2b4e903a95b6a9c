/**
 * Opens an image, in whichever form it is.
 *
 * @module
 */

import { Hasher } from "../../ffi/codecs/sha256.ts";
import { type BlobSource, openBlobs } from "./archive/blob_source.ts";
import { readDockerArchive } from "./formats/docker_archive.ts";
import { readJson } from "./formats/document.ts";
import { type Choice, type ImageParts, readLayout } from "./formats/oci_layout.ts";
import { imageInvalid } from "./archive/image_error.ts";
import { isThere } from "../../ffi/files/file_status.ts";

/** An image with its blobs. */
export interface OpenImage extends ImageParts, Disposable {
  readonly hasher: Hasher;
}

/** Go's names of the CPUs that hull runs on. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x86_64: "amd64", aarch64: "arm64" };

/** The architecture of this host, in Go's words. */
export function hostArchitecture(): string {
  return ARCHITECTURES[Deno.build.arch] ?? Deno.build.arch;
}

/** A path, and behind a colon the name of an image, unless there is a file of the whole name. */
export function splitReference(
  image: string,
): { readonly path: string; readonly reference: string | undefined } {
  if (isThere(image)) return { path: image, reference: undefined };
  for (let at = image.indexOf(":"); at >= 0; at = image.indexOf(":", at + 1)) {
    const path = image.slice(0, at);
    if (path !== "" && isThere(path)) return { path, reference: image.slice(at + 1) };
  }
  return { path: image, reference: undefined };
}

/**
 * Opens an image and checks its documents; layers are checked while they are read.
 *
 * @param image the path of a folder or an archive, and perhaps `:NAME`
 * @throws {ContainerError} `ImageInvalid`; `SystemError` if it can't be opened
 */
export async function openImage(
  image: string,
  architecture: string = hostArchitecture(),
): Promise<OpenImage> {
  const { path, reference } = splitReference(image);
  using stack = new DisposableStack();
  const blobs = stack.use(await openBlobs(path));
  const hasher = new Hasher();
  const parts = await readParts(blobs, path, { reference, architecture }, hasher);
  const kept = stack.move();
  return { ...parts, hasher, [Symbol.dispose]: () => kept.dispose() };
}

async function readParts(
  blobs: BlobSource,
  path: string,
  choice: Choice,
  hasher: Hasher,
): Promise<ImageParts> {
  const index = await readJson(blobs, "index.json");
  if (index !== undefined) return await readLayout(blobs, index, choice, hasher);
  const manifest = await readJson(blobs, "manifest.json");
  if (manifest !== undefined) return await readDockerArchive(blobs, manifest, choice, hasher);
  throw imageInvalid(`${path} has neither an index.json nor a manifest.json`, {
    path,
    hint: "an image is a folder with an OCI layout, or an archive as docker save and podman " +
      "save make it",
  });
}
