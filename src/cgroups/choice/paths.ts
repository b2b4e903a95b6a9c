/**
 * From `linux.cgroupsPath` to folders, by runc's rules.
 *
 * - no path: the container's id, below the cgroup that this process is in (v1) or beside it (v2,
 *   where a cgroup with processes can't give controllers to its children)
 * - a relative path: in place of the id; `..` can't lead out
 * - an absolute path: from the root of each hierarchy
 *
 * @module
 */

import type { CgroupHierarchy, CgroupHost } from "../detect.ts";
import { invalidResource } from "../cgroup_errors.ts";

const POINTER = "/linux/cgroupsPath";

/** The v1 hierarchies that a container joins: runc's list. */
const JOINED = [
  "cpuset",
  "devices",
  "memory",
  "cpu",
  "cpuacct",
  "pids",
  "blkio",
  "hugetlb",
  "net_cls",
  "net_prio",
  "perf_event",
  "freezer",
  "rdma",
  "name=systemd",
  "misc",
  "",
] as const;

/**
 * The folder of each controller for a container; on v2 one, with the key "".
 *
 * @throws {ContainerError} ConfigInvalid if the path names a root or this process's own cgroup
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { cgroupPaths } from "./paths.ts";
 *
 * const host = {
 *   version: 2,
 *   inUserNamespace: false,
 *   hierarchies: [{ controllers: [""], mountPoint: "/sys/fs/cgroup", ownFolder: "/sys/fs/cgroup/a/b" }],
 * } as const;
 * assert(cgroupPaths(host, undefined, "web")[""] === "/sys/fs/cgroup/a/web");
 * assert(cgroupPaths(host, "/../x/../pod", "web")[""] === "/sys/fs/cgroup/pod");
 * ```
 */
export function cgroupPaths(
  host: CgroupHost,
  cgroupsPath: string | undefined,
  id: string,
): Readonly<Record<string, string>> {
  const wanted = cgroupsPath || id;
  const inner = withinRoot(wanted);
  const found = new Map<string, string>();
  for (const hierarchy of host.hierarchies) {
    const folder = wanted.startsWith("/")
      ? join(hierarchy.mountPoint, inner)
      : join(parentFolder(host.version, hierarchy), inner);
    if (inner === "" || folder === hierarchy.ownFolder) throw refused(wanted, folder);
    for (const controller of hierarchy.controllers) found.set(controller, folder);
  }
  const order = host.version === 2 ? [""] : JOINED;
  const paths = order.flatMap((name) => {
    const folder = found.get(name);
    return folder === undefined ? [] : [[name, folder] as const];
  });
  return Object.fromEntries(paths);
}

/** The parts of a path that remain when `.` and `..` are resolved and `..` stops at the root. */
function withinRoot(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}

function parentFolder(version: 1 | 2, { ownFolder, mountPoint }: CgroupHierarchy): string {
  if (version === 1 || ownFolder === mountPoint) return ownFolder;
  return ownFolder.slice(0, ownFolder.lastIndexOf("/"));
}

function join(folder: string, inner: string): string {
  return folder === "/" ? `/${inner}` : `${folder}/${inner}`;
}

function refused(wanted: string, folder: string): Error {
  return invalidResource(
    `the cgroup path ${JSON.stringify(wanted)} names ${folder}, which is not the container's own`,
    POINTER,
    "give the container a cgroup of its own",
  );
}
