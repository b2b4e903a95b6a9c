/**
 * The bridges that pairs are plugged into.
 *
 * A bridge that hull made carries hull's group from its first moment, and is removed with the last
 * interface on it. A call that makes or removes a bridge, or plugs something in, must hold the lock
 * of the network namespace: otherwise a second call could remove the bridge between this call's
 * check and its plugging in.
 *
 * @module
 */

import { open } from "../../../ffi/files/file.ts";
import { statAt } from "../../../ffi/files/file_status.ts";
import { ContainerError } from "../../errors.ts";
import { makeDeaf } from "./deaf_interface.ts";
import { attempt } from "./failure.ts";
import { LockFile } from "./lock_file.ts";
import {
  createLink,
  deleteLink,
  findLink,
  type Link,
  listLinks,
  setLinkUp,
} from "../netlink/link.ts";
import type { RouteSocket } from "../netlink/socket.ts";

/** The group of hull's bridges: the word "hull" as a number. */
export const BRIDGE_GROUP = 0x68756c6c;
/**
 * The group of bridges with addresses and rules, which are removed when nobody has an address any
 * more.
 */
export const HULL_BRIDGE_GROUP: number = BRIDGE_GROUP + 1;

const LOCK_MS = 10_000;

/**
 * Takes the lock of the network namespace that this program is in: one for all programs of hull's
 * user that see the same folder of run-time files.
 *
 * @throws {ContainerError} `SystemError` if it is held for ten seconds
 * @throws the signal's reason
 */
export async function lockBridges(signal?: AbortSignal): Promise<LockFile> {
  return await LockFile.take(bridgeLockPath(ownNamespaceKey()), "the bridges", LOCK_MS, signal);
}

/** The file of a network namespace's lock, by the namespace's inode. */
export function bridgeLockPath(key: string): string {
  const folder = Deno.uid() === 0 ? undefined : Deno.env.get("XDG_RUNTIME_DIR");
  return `${folder || "/run"}/hull-bridges-${key}.lock`;
}

/**
 * Identifies the network namespace that this program is in among those that exist now: its inode.
 */
export function ownNamespaceKey(): string {
  const path = "/proc/thread-self/ns/net";
  return attempt("cannot look at the network namespace", { path }, () => {
    using namespace = open(path);
    return String(statAt(namespace, "").inode);
  });
}

/**
 * The bridge of a name; with `isMade` it is made, and up, if there is nothing of that name. The
 * caller holds the lock.
 *
 * @param pointer of the field that names it
 * @throws {ContainerError} `SystemError`
 */
export function requireBridge(
  here: RouteSocket,
  name: string,
  { isMade, pointer }: { readonly isMade: boolean; readonly pointer: string },
): Link {
  const subject = { path: name, pointer };
  const found = attempt(`cannot look for the bridge ${name}`, subject, () => findLink(here, name));
  if (found?.kind === "bridge") return found;
  if (found !== undefined) {
    throw new ContainerError("SystemError", `the interface ${name} is no bridge`, {
      step: "network",
      ...subject,
      hint: `it is ${found.kind === undefined ? "a device" : `of the kind ${found.kind}`}`,
    });
  }
  if (isMade) return attempt(`cannot make the bridge ${name}`, subject, () => make(here, name));
  throw new ContainerError("SystemError", `there is no bridge ${name}`, {
    step: "network",
    errno: "ENODEV",
    ...subject,
    hint: "make it, or set createBridge",
  });
}

/**
 * Makes a bridge with a fixed hardware address. Without one a bridge takes the address of one of
 * its ports, and it changes with the ports.
 */
function make(here: RouteSocket, name: string): Link {
  const address = crypto.getRandomValues(new Uint8Array(6));
  address[0] = ((address[0] ?? 0) & 0xfe) | 2; // for one, and chosen locally
  createLink(here, { name, kind: "bridge", learnsLess: true, address, group: BRIDGE_GROUP });
  const link = findLink(here, name) as Link;
  makeDeaf(name, true);
  setLinkUp(here, link.index, true);
  return link;
}

/** Whether hull made a bridge, so that there is no router on it. */
export function isHullMade({ group }: Link): boolean {
  return group === BRIDGE_GROUP || group === HULL_BRIDGE_GROUP;
}

/**
 * Removes a bridge if hull made it and nothing is on it. The caller holds the lock.
 *
 * @throws {NetlinkError}
 */
export function removeUnusedBridge(here: RouteSocket, name: string): void {
  const bridge = findLink(here, name);
  if (bridge?.kind !== "bridge" || bridge.group !== BRIDGE_GROUP) return;
  if (listLinks(here, { master: bridge.index }).length === 0) deleteLink(here, bridge.index);
}
