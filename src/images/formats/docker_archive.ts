/**
 * Images as `docker save` writes them: `manifest.json`, with the names of the config and the layers.
 *
 * Source: Docker's image/spec/v1.2.md.
 *
 * @module
 */

import type { Hasher } from "../../../ffi/codecs/sha256.ts";
import type { BlobSource } from "../archive/blob_source.ts";
import { imageInvalid, shown } from "../archive/image_error.ts";
import { diffIdsIn, parseImageConfig } from "./image_config.ts";
import type { LayerBlob } from "../layers/unpack_layer.ts";
import { asDocument, type Document, readDocument, textIn, textsIn } from "./document.ts";
import { type Choice, type ImageParts, requireAsMany } from "./oci_layout.ts";

/**
 * Reads the image of an archive.
 *
 * @param manifest what `manifest.json` holds
 * @throws {ContainerError} `ImageInvalid`
 */
export async function readDockerArchive(
  blobs: BlobSource,
  manifest: unknown,
  { reference }: Choice,
  hasher: Hasher,
): Promise<ImageParts> {
  if (!Array.isArray(manifest)) {
    throw imageInvalid("manifest.json is no list", {
      hint:
        "a folder as skopeo copy … dir:FOLDER makes is for skopeo: copy the image to oci:FOLDER",
    });
  }
  const entry = choose(manifest.map((one) => asDocument(one, "manifest.json")), reference);
  const configName = textIn(entry, "Config") ?? "";
  const digest = configDigest(configName);
  const file = blobs.find(configName);
  if (file === undefined) throw imageInvalid(`the image's config ${shown(configName)} is missing`);
  const source = { find: () => file, [Symbol.dispose]: () => {} };
  const descriptor = { digest, size: file.size, mediaType: "" };
  const config = await readDocument(source, descriptor, "the image's config", hasher);
  const names = textsIn(entry, "Layers") ?? [];
  const diffIds = diffIdsIn(config);
  requireAsMany(diffIds.length, names.length);
  return {
    id: digest,
    config: parseImageConfig(config),
    layers: names.map((name, k) => layerOf(blobs, name, diffIds[k] as string)),
  };
}

/** The config is named after its digest: `DIGEST.json`, or `blobs/sha256/DIGEST`. */
function configDigest(name: string): string {
  const match = /^(?:blobs\/sha256\/)?([0-9a-f]{64})(?:\.json)?$/.exec(name);
  if (match !== null) return `sha256:${match[1]}`;
  throw imageInvalid(`the image's config has the name ${shown(name)}, which is no digest`);
}

function layerOf(blobs: BlobSource, name: string, diffId: string): LayerBlob {
  const blob = blobs.find(name);
  if (blob === undefined) throw imageInvalid(`the layer ${shown(name)} is missing`);
  // nothing tells the digest of the blob; that of the archive in it is enough
  return { name: diffId, digest: undefined, diffId, size: blob.size, read: () => blob.read() };
}

function choose(entries: readonly Document[], reference: string | undefined): Document {
  const tags = (entry: Document) => textsIn(entry, "RepoTags") ?? [];
  const named = reference === undefined
    ? entries
    : entries.filter((entry) => tags(entry).some((tag) => isNamed(tag, reference)));
  const [found, second] = named;
  const all = entries.flatMap(tags).map(shown).join(", ");
  const hint = all === "" ? "its images have no names" : `it has ${all}`;
  if (found === undefined) {
    throw imageInvalid(`the archive has no image ${shown(reference ?? "")}`, { hint });
  }
  if (second === undefined) return found;
  throw imageInvalid(`the archive has ${named.length} images`, {
    hint: `choose one: PATH:NAME. ${hint}`,
  });
}

/** `web:1` is named by itself, by `1`, and with any registry's name before it. */
function isNamed(tag: string, reference: string): boolean {
  return tag === reference || tag.endsWith(`/${reference}`) ||
    tag.slice(tag.lastIndexOf(":") + 1) === reference;
}
