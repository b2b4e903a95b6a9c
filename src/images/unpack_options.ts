/**
 * How an image is unpacked, and what is told of it.
 *
 * @module
 */

import type { ImageConfig } from "./formats/image_config.ts";
import type { DevicePolicy } from "./layers/devices.ts";
import type { ImageLimits } from "./layers/limits.ts";
import type { IdMaps } from "./layers/owners.ts";

/** How far an image is read. */
export interface ImageProgress {
  /** How many of the layers are done. */
  readonly layer: number;
  /** How many layers there are. */
  readonly layers: number;
  /** How many bytes of all layers were read, as they lie in the image. */
  readonly bytes: number;
  /** How many bytes all of them have. */
  readonly totalBytes: number;
}

/** How an image is unpacked. */
export interface UnpackOptions extends IdMaps {
  /** In Go's words, such as `arm64`, where the image has several; default this host's. */
  readonly architecture?: string | undefined;
  /** Which device files are made; default `usual`. */
  readonly devices?: DevicePolicy | undefined;
  /** How much the image may be. */
  readonly limits?: Partial<ImageLimits> | undefined;
  /** Told for each piece that was read, some ten thousand bytes. */
  readonly onProgress?: ((progress: ImageProgress) => void) | undefined;
  /** Ends the unpacking early; nothing is left then. */
  readonly signal?: AbortSignal | undefined;
}

/** An image that was unpacked. */
export interface UnpackedImage {
  /** The digest of its config, which engines show as its id. */
  readonly id: string;
  /** What it says of its program. */
  readonly config: ImageConfig;
  /** How many layers it has. */
  readonly layers: number;
  /** How many bytes its layers have, unpacked. */
  readonly bytes: number;
  /** How many entries they have. */
  readonly entries: number;
}
