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
 * In a user namespace with the host's network the kernel refuses to mount a sysfs. The host's /sys
 * is bound instead, all of it read-only, as rootless configs themselves ask for it.
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

/** The hint for a mount that was refused; undefined if there is none. */
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
