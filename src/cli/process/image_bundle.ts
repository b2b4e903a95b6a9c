/**
 * An image as what a container is made of.
 *
 * @module
 */

import { resolve } from "../../../std/path/posix/resolve.ts";
import { imageContainerConfig } from "../../create/image_container.ts";
import { defaultImageStore, storedImage } from "../../images/store.ts";
import { NotHere } from "../caller/caller.ts";
import type { Bundle } from "../flags/bundle.ts";
import { choice, type Invocation, isOn, pathOf, text } from "../flags/command.ts";
import { usageError } from "../flags/options.ts";
import type { Named } from "../flags/made_id.ts";
import { parseBytes } from "../flags/quantities.ts";
import { Interruption } from "./interruption.ts";
import { ProgressBar } from "../output/progress_bar.ts";

/**
 * Unpacks the image, unless it is in the store, and makes a config of what it says.
 *
 * @throws {ContainerError}
 */
export async function imageBundle(
  invocation: Invocation,
  { id, command }: Named,
): Promise<Bundle> {
  const { flags, caller } = invocation;
  if (caller.isOther) throw new NotHere("an image");
  if (
    ["bundle", "config"].some((name) => text(flags, name) !== undefined) || isOn(flags, "builtin")
  ) {
    throw usageError(
      "--image is what the container is made of",
      "leave out --bundle, --config and --builtin",
    );
  }
  const store = resolve(pathOf(invocation, "image-store") ?? defaultImageStore());
  const limit = text(flags, "image-limit");
  using interruption = new Interruption();
  using bar = new ProgressBar(Deno.stderr.isTerminal());
  const image = await storedImage(pathOf(invocation, "image") ?? "", store, {
    signal: interruption.signal,
    onProgress: (progress) => bar.show(progress),
    limits: limit === undefined ? {} : { maxBytes: parseBytes("image-limit", limit) },
  });
  bar.end();
  const config = imageContainerConfig(image, {
    hostname: text(flags, "hostname") ?? id.slice(0, 64),
    args: command ?? [],
    entrypoint: text(flags, "entrypoint"),
    isHostNetwork: text(flags, "network") === "host",
    user: text(flags, "user"),
    isReadOnly: choice(flags, "read-only") === true,
  });
  return {
    folder: store,
    path: `made of the image ${image.id}`,
    isFound: false,
    config,
    overlay: true,
  };
}
