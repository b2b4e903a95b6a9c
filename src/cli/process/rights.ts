/**
 * Refuses what an ordinary user may not do on this host, before anything is made.
 *
 * @module
 */

import type { Config } from "../../config/types/config.ts";
import { ContainerError } from "../../errors.ts";
import { isAdmin } from "../../security/capabilities.ts";

/**
 * Refuses what the kernel would refuse in some later step: only root can make containers, except
 * those in a new user namespace.
 *
 * @param config as it was read; undefined for the built-in default
 * @throws {ContainerError} `Unsupported`
 */
export function requireRights(config: Config | undefined): void {
  const namespaces = config?.linux?.namespaces;
  const isOwn = Array.isArray(namespaces) &&
    namespaces.some((each) => each?.type === "user" && each.path === undefined);
  if (isOwn || isAdmin()) return;
  const what = config === undefined
    ? "the built-in default needs the rights of root"
    : "a container without a user namespace of its own needs the rights of root";
  throw new ContainerError("Unsupported", what, {
    hint: "run hull as root (sudo hull …), or use a config of hull spec --rootless with " +
      "hull --cgroup-manager disabled",
  });
}
