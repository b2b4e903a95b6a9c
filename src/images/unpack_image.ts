/**
 * Unpacks an image into a folder: the door of this room. What does it is loaded when it is called.
 *
 * @module
 */

import { late } from "../own/late.ts";
import type { UnpackedImage, UnpackOptions } from "./unpack_options.ts";

const unpackTo = late(() => import("./unpacking.ts"), "unpackTo");

/**
 * Unpacks an image: an OCI layout in a folder (`skopeo copy docker://… oci:DIR`), an archive of one
 * (`podman save --format oci-archive`), or one by `docker save`. Layers may be compressed with gzip
 * or zstd.
 *
 * All digests and sizes are checked. An image is untrusted: what leads out of the folder, exceeds a
 * limit, or is damaged is an error, and nothing is left of it. Root gives files to their owners;
 * anybody else owns them all, and gets no devices.
 *
 * @param image the path of the folder or archive; `PATH:NAME` names one image of several
 * @param destination the folder to be made; it may be there, but empty
 * @throws {ContainerError} `ImageInvalid`; `Unsupported` for zstd without libzstd; `SystemError`
 *
 * @example
 * ```ts
 * import { unpackImage } from "@hull/hull";
 *
 * async function makeRootfs() {
 *   const { config } = await unpackImage("debian.tar", "bundle/rootfs");
 *   console.log(config.entrypoint, config.cmd, config.env);
 * }
 * ```
 */
export async function unpackImage(
  image: string,
  destination: string,
  options: UnpackOptions = {},
): Promise<UnpackedImage> {
  return await unpackTo(image, destination, options);
}
