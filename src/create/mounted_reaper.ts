/**
 * A small first process in a root of the caller's own: its file is in the container's state folder,
 * and mounted from there.
 *
 * @module
 */

import { reaperImage } from "../../ffi/program/reaper_image.ts";
import type { Config } from "../config/types/config.ts";
import { ContainerError } from "../errors.ts";

const NAME = "init";

/** The config with the mount of the file at /dev/init. */
export function withReaper(config: Config, folder: string): Config {
  // the folder mostly lies on a /run from which nothing may be executed
  const options = ["bind", "exec", "ro", "nosuid", "nodev"];
  const source = `${folder}/${NAME}`;
  const mount = { destination: "/dev/init", type: "none", source, options };
  return { ...config, mounts: [...config.mounts ?? [], mount] };
}

/**
 * Writes the file.
 *
 * @param folder the state folder, by the name that it has now
 * @throws {ContainerError} `SystemError`
 */
export function writeReaper(folder: string): void {
  const path = `${folder}/${NAME}`;
  try {
    Deno.writeFileSync(path, reaperImage(), { createNew: true, mode: 0o555 });
    Deno.chmodSync(path, 0o555);
  } catch (cause) {
    throw new ContainerError("SystemError", "cannot write the container's first process", {
      path,
      hint: cause instanceof Error ? cause.message : undefined,
      cause,
    });
  }
}
