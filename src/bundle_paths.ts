/**
 * The paths of a config that start from its bundle.
 *
 * @module
 */

import { isBindMount } from "./config/mount_options.ts";
import type { Config } from "./config/types.ts";
import { ContainerError } from "./errors.ts";

/** A path as an absolute one without `.` and `..`. */
export function absolute(path: string, base: string): string {
  const parts: string[] = [];
  for (const part of `${path.startsWith("/") ? "" : base}/${path}`.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return "/" + parts.join("/");
}

/** The rootfs's real path: a folder, whatever links lead to it. */
export function requireRootfs(config: Config, bundle: string): string {
  const path = absolute(config.root?.path ?? "rootfs", bundle);
  const fault = (message: string) =>
    new ContainerError("ConfigInvalid", "the rootfs can't be used", {
      faults: [{ pointer: "/root/path", message }],
      path,
    });
  try {
    const real = Deno.realPathSync(path);
    if (!Deno.statSync(real).isDirectory) throw fault(`${path} is not a folder`);
    if (real === "/") throw fault("/ is the host's own root");
    return real;
  } catch (error) {
    if (error instanceof ContainerError) throw error;
    throw fault(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The sources of bind mounts start from the bundle. */
export function withAbsoluteSources(config: Config, bundle: string): Config {
  if (config.mounts === undefined) return config;
  const mounts = config.mounts.map((mount) =>
    isBindMount(mount) && mount.source !== undefined
      ? { ...mount, source: absolute(mount.source, bundle) }
      : mount
  );
  return { ...config, mounts };
}
