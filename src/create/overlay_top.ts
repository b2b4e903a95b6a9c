/**
 * What hull lays over a root file system that is not its own: names of hosts and resolvers. It lies
 * in the container's state folder, and is removed with that.
 *
 * @module
 */

import type { Config } from "../config/types/config.ts";
import type { CheckedMode } from "../config/validate_network/network_mode.ts";
import { ContainerError } from "../errors.ts";
import { late } from "../own/late.ts";
import { hostsFile, MAX_PIDS } from "./builtin_bundle.ts";
import { type BuiltinFile, writeBuiltinFiles } from "./builtin_files.ts";

const resolverOf = late(() => import("./builtin_resolver.ts"), "resolverOf");

/** What is laid over a root. */
export interface Top {
  /** How many bytes the changes may have; not limited without it. */
  readonly bytes: number | undefined;
  /** Whether its limits are the built-in default's, without which it is isolated all the same. */
  readonly hasDefaultLimits: boolean;
  /** Fills its folder, which must be new. */
  write(folder: string, addresses?: readonly string[]): void;
}

/**
 * What is laid over the root of a container.
 *
 * @throws {ContainerError} `ConfigInvalid` without a mount namespace of its own
 */
export async function makeTop(
  config: Config,
  id: string,
  mode: CheckedMode | undefined,
  overlay: true | { readonly sizeBytes: number },
): Promise<Top> {
  const own = config.linux?.namespaces?.find(({ type }) => type === "mount");
  if (own === undefined || own.path !== undefined) {
    throw new ContainerError("ConfigInvalid", "an overlay takes a mount namespace of its own", {
      pointer: "/linux/namespaces",
      hint: "leave out the overlay, or give the container a new mount namespace",
    });
  }
  const { hostname = id } = config;
  const resolver = await resolverOf(mode?.kind);
  return {
    hasDefaultLimits: hasDefaultLimits(config),
    bytes: overlay === true ? undefined : overlay.sizeBytes,
    write(folder, addresses = []) {
      const file = (path: string, content: string | undefined): BuiltinFile[] =>
        content === undefined ? [] : [{ path, kind: "file", mode: 0o644, content }];
      writeBuiltinFiles(folder, [
        { path: "/dev", kind: "dir", mode: 0o755 },
        { path: "/etc", kind: "dir", mode: 0o755 },
        ...file("/etc/hostname", `${hostname}\n`),
        ...file("/etc/hosts", hostsFile(hostname, addresses)),
        ...file("/etc/resolv.conf", resolver),
      ]);
    },
  };
}

function hasDefaultLimits({ linux }: Config): boolean {
  const { devices: _, pids, ...others } = linux?.resources ?? {};
  return pids?.limit === MAX_PIDS && Object.keys(others).length === 0;
}
