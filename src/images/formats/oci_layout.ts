/**
 * Images as OCI layouts: `index.json`, and blobs by their digests.
 *
 * Source: the OCI image-spec's image-layout.md, image-index.md and manifest.md.
 *
 * @module
 */

import type { Hasher } from "../../../ffi/codecs/sha256.ts";
import type { BlobSource } from "../archive/blob_source.ts";
import { imageInvalid, shown } from "../archive/image_error.ts";
import type { LayerBlob } from "../layers/unpack_layer.ts";
import { diffIdsIn, type ImageConfig, parseImageConfig } from "./image_config.ts";
import {
  asDescriptor,
  asDocument,
  blobName,
  type Descriptor,
  type Document,
  listIn,
  missing,
  objectIn,
  readDocument,
  textIn,
} from "./document.ts";

/** An image whose documents are read and checked. */
export interface ImageParts {
  /** The digest of its config, which is the id that engines show. */
  readonly id: string;
  readonly config: ImageConfig;
  /** From the lowest. */
  readonly layers: readonly LayerBlob[];
}

/** Which image of several is meant. */
export interface Choice {
  /** A name or a tag. */
  readonly reference: string | undefined;
  /** In Go's words, such as `amd64`. */
  readonly architecture: string;
}

/** As many as Docker takes. */
export const MOST_LAYERS = 127;
/** An index may list indexes. */
const MOST_INDEXES = 4;

/**
 * Reads the image of a layout.
 *
 * @param index what `index.json` holds
 * @throws {ContainerError} `ImageInvalid`
 */
export async function readLayout(
  blobs: BlobSource,
  index: unknown,
  choice: Choice,
  hasher: Hasher,
): Promise<ImageParts> {
  const top = asDocument(index, "index.json");
  const manifest = await findManifest(blobs, top, choice, hasher, 0);
  const document = await readDocument(blobs, manifest, "the manifest", hasher);
  if (listIn(document, "manifests").length > 0) {
    throw imageInvalid("the manifest is an index as well");
  }
  const configDescriptor = asDescriptor(document.value["config"], "the config");
  const config = await readDocument(blobs, configDescriptor, "the image's config", hasher);
  const descriptors = listIn(document, "layers").map((layer, k) =>
    asDescriptor(layer, `layer ${k + 1}`)
  );
  const diffIds = diffIdsIn(config);
  requireAsMany(diffIds.length, descriptors.length);
  return {
    id: configDescriptor.digest,
    config: parseImageConfig(config),
    layers: descriptors.map((layer, k) => layerOf(blobs, layer, diffIds[k] as string)),
  };
}

/** The config and the manifest must tell of the same layers. */
export function requireAsMany(told: number, there: number): void {
  if (told !== there) {
    throw imageInvalid(`the image's config tells of ${told} layers, and there are ${there}`);
  }
  if (there > MOST_LAYERS) throw imageInvalid(`the image has more than ${MOST_LAYERS} layers`);
}

function layerOf(blobs: BlobSource, layer: Descriptor, diffId: string): LayerBlob {
  const { digest, size, mediaType } = layer;
  if (mediaType.includes("encrypted")) {
    throw imageInvalid(`the layer ${digest} is encrypted`, {
      hint: "decrypt it while it is copied, with skopeo copy --decryption-key",
    });
  }
  const blob = blobs.find(blobName(digest));
  if (blob === undefined) throw missing("the layer", digest);
  if (blob.size !== size) {
    throw imageInvalid(`the layer ${digest} has ${blob.size} bytes, not ${size} as is told of it`);
  }
  return { name: digest, digest, diffId, size, read: () => blob.read() };
}

const INDEX_TYPES = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
];

/** Goes from index to index; a circle of digests can't be made, but many indexes can. */
async function findManifest(
  blobs: BlobSource,
  index: Document,
  choice: Choice,
  hasher: Hasher,
  depth: number,
): Promise<Descriptor> {
  if (depth >= MOST_INDEXES) throw imageInvalid("the image's indexes lie too deep in each other");
  const { reference } = choice;
  const all = listIn(index, "manifests").map((entry) => asDocument(entry, "an entry of the index"));
  const named = depth > 0 || reference === undefined
    ? all
    : all.filter((entry) => namesOf(entry).includes(reference));
  if (named.length === 0) throw noneNamed(all, reference);
  const fitting = named.length === 1 ? named : named.filter((entry) => fits(entry, choice));
  const [found, second] = fitting;
  if (found === undefined) {
    throw imageInvalid(`the image is not for ${choice.architecture}`, {
      hint: `it is for ${[...new Set(named.map(architectureOf))].map(shown).join(", ")}`,
    });
  }
  if (second !== undefined) throw several(fitting);
  const descriptor = asDescriptor(found.value, "an image");
  if (!INDEX_TYPES.includes(descriptor.mediaType)) return descriptor;
  const next = await readDocument(blobs, descriptor, "the index", hasher);
  return await findManifest(blobs, next, choice, hasher, depth + 1);
}

const NAMES = ["org.opencontainers.image.ref.name", "io.containerd.image.name"];

function namesOf(entry: Document): string[] {
  const annotations = objectIn(entry, "annotations");
  return NAMES.map((name) => textIn(annotations, name)).filter((name) => name !== undefined);
}

function architectureOf(entry: Document): string {
  return textIn(objectIn(entry, "platform"), "architecture") ?? "any";
}

/** An entry without a platform, such as an index, fits any. */
function fits(entry: Document, { architecture }: Choice): boolean {
  const platform = objectIn(entry, "platform");
  return (textIn(platform, "os") ?? "linux") === "linux" &&
    [architecture, "any"].includes(architectureOf(entry));
}

function noneNamed(all: readonly Document[], reference: string | undefined): Error {
  if (reference === undefined) return imageInvalid("the layout holds no image");
  const names = all.flatMap(namesOf).map(shown);
  return imageInvalid(`the layout has no image ${shown(reference)}`, {
    hint: names.length === 0 ? "its images have no names" : `it has ${names.join(", ")}`,
  });
}

function several(found: readonly Document[]): Error {
  const names = found.flatMap(namesOf).map(shown).join(", ");
  return imageInvalid(`the layout has ${found.length} images`, {
    hint: `choose one: PATH:NAME${names === "" ? "" : `, of ${names}`}`,
  });
}
