/**
 * The paths of a config that start from its bundle.
 *
 * @module
 */

import { S_IFDIR, S_IFMT, tryStatPath } from "../../ffi/files/file_status.ts";
import { resolve } from "../../std/path/posix/resolve.ts";
import { isBindMount } from "../config/mount_options.ts";
import type { Config } from "../config/types/config.ts";
import { ContainerError } from "../errors.ts";
import { reason } from "../failures/reason.ts";

/** The rootfs's real path: a folder, whatever links lead to it. */
export function requireRootfs(config: Config, bundle: string): string {
  const path = resolve(bundle, config.root?.path ?? "rootfs");
  const fault = (message: string) =>
    new ContainerError("ConfigInvalid", "the rootfs can't be used", {
      faults: [{ pointer: "/root/path", message }],
      path,
      hint: "put the image's files there, or name their folder in root.path",
    });
  try {
    const real = Deno.realPathSync(path);
    if (!isFolder(real)) throw fault(`${path} is not a folder`);
    if (real === "/") throw fault("/ is the host's own root");
    return real;
  } catch (error) {
    if (error instanceof ContainerError) throw error;
    throw fault(`${path}: ${reason(error)}`);
  }
}

/** The engine's own stat makes a program of itself at its first call, which takes longer. */
function isFolder(path: string): boolean {
  const status = tryStatPath(path, true);
  return typeof status !== "number" && (status.mode & S_IFMT) === S_IFDIR;
}

/** The sources of bind mounts start from the bundle. */
export function withAbsoluteSources(config: Config, bundle: string): Config {
  if (config.mounts === undefined) return config;
  const mounts = config.mounts.map((mount) =>
    isBindMount(mount) && mount.source !== undefined
      ? { ...mount, source: resolve(bundle, mount.source) }
      : mount
  );
  return { ...config, mounts };
}
