/**
 * The flags that name an image.
 *
 * @module
 */

import type { Flag } from "./command.ts";

/** The flags of a run of an image. */
export const IMAGE_FLAGS: readonly Flag[] = [
  {
    name: "image",
    value: "PATH",
    summary: "run an image: an OCI layout's folder, or an archive; PATH:NAME is one of several",
  },
  { name: "entrypoint", value: "PROGRAM", summary: "in place of the image's; [] is none" },
  { name: "image-store", value: "DIR", summary: "where images are kept unpacked" },
  { name: "image-limit", value: "BYTES", summary: "how large an image may be unpacked" },
];
