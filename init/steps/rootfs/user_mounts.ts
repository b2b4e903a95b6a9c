/**
 * File systems that a user namespace may mount only where it owns another namespace too.
 *
 * Source: user_namespaces(7), "Interaction of user namespaces and other types of namespaces".
 *
 * @module
 */

import type { Mount, Namespace } from "../../../src/config/types/config.ts";
import type { NamespaceName } from "../../../ffi/processes/namespaces.ts";
import { isNew } from "../process/namespaces.ts";

/** The namespace that each file system is about. */
const OWNERS: Readonly<Record<string, NamespaceName>> = {
  proc: "pid",
  sysfs: "network",
  mqueue: "ipc",
};

/**
 * A sysfs that the kernel is sure to refuse, with the host's network in a user namespace, becomes
 * the host's /sys, all of it read-only, as rootless configs ask for it themselves.
 */
export function sysfsOrBind(mount: Mount, namespaces: readonly Namespace[]): Mount {
  const types = new Set(namespaces.map(({ type }) => type));
  if (mount.type !== "sysfs" || !types.has("user") || types.has("network")) return mount;
  const { options = [] } = mount;
  return {
    ...mount,
    type: "bind",
    source: "/sys",
    options: ["rbind", "rro", ...options.filter((option) => option !== "rw")],
  };
}

/** What to do where a mount is refused; undefined where nothing is known of it. */
export function whyRefused(
  { type = "" }: Mount,
  namespaces: readonly Namespace[],
): string | undefined {
  const owner = OWNERS[type];
  if (owner === undefined || !namespaces.some((each) => each.type === "user")) return undefined;
  if (isNew(namespaces, owner)) return undefined;
  return `in a user namespace ${type} can be mounted only with a ${owner} namespace that belongs ` +
    `to it: make one, or bind the host's`;
}
