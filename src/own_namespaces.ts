/**
 * Keeps the host's mounts out of reach: init switches the root of the mount namespace that it is in
 * and lets go of the old one. In the host's that would take the root away from every process.
 *
 * @module
 */

import type { Config } from "./config/types.ts";
import { ContainerError } from "./errors.ts";

/** Where the namespace of this program is found, and that of the host's first process. */
const HOSTS = ["/proc/self/ns/mnt", "/proc/1/ns/mnt"];

/**
 * Refuses a container that would live in the host's mount namespace: one without a mount namespace,
 * or with the host's by path.
 *
 * @param hosts the files of the namespaces that are not the container's
 * @throws {ContainerError} `Unsupported` or `ConfigInvalid`
 */
export function requireOwnMounts({ linux }: Config, hosts: readonly string[] = HOSTS): void {
  const namespaces = linux?.namespaces ?? [];
  const index = namespaces.findIndex(({ type }) => type === "mount");
  if (index < 0) {
    throw new ContainerError("Unsupported", "the container has no mount namespace of its own", {
      faults: [{ pointer: "/linux/namespaces", message: "must hold one of type mount" }],
      hint: 'add {"type": "mount"}: without it the root would be switched for the whole host',
    });
  }
  const path = namespaces[index]?.path ?? "";
  const joined = path === "" ? undefined : identify(path);
  if (joined === undefined || !hosts.some((host) => identify(host) === joined)) return;
  const pointer = `/linux/namespaces/${index}/path`;
  throw new ContainerError("ConfigInvalid", "the container would join the host's mounts", {
    path,
    faults: [{ pointer, message: "is the host's own mount namespace" }],
    hint: "leave the path out for a new one, or name another container's",
  });
}

/** What is the same for all paths of a namespace (namespaces(7)); undefined if it can't be seen. */
function identify(path: string): string | undefined {
  try {
    const { dev, ino } = Deno.statSync(path);
    return `${dev}:${ino}`;
  } catch {
    return undefined; // joining it fails with its own errno
  }
}

/**
 * Refuses network devices for a container that has no network namespace to move them into. The check
 * of the config leaves that be, since the spec's own sample has none.
 *
 * @throws {ContainerError} `ConfigInvalid`
 */
export function requireNetworkNamespace({ linux }: Config): void {
  if (Object.keys(linux?.netDevices ?? {}).length === 0) return;
  if (linux?.namespaces?.some(({ type }) => type === "network") === true) return;
  const message = "needs a network namespace in linux.namespaces";
  throw new ContainerError("ConfigInvalid", "the config can't be used", {
    faults: [{ pointer: "/linux/netDevices", message }],
  });
}
