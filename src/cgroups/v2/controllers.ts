/**
 * The controllers that a v2 cgroup offers to its children.
 *
 * @module
 */

import { CgroupFolder } from "../folder.ts";

/**
 * Offers to the children of `path` all controllers that it has itself. One that can't be offered
 * (EBUSY while processes are in `path`, EINVAL for cpu while realtime tasks run) is left out: a
 * limit that needs it fails later and says so.
 */
export function enableControllers(path: string): void {
  using folder = new CgroupFolder(path);
  const words = (name: string) => folder.read(name).split(/\s+/).filter((word) => word !== "");
  const enabled = new Set(words("cgroup.subtree_control"));
  const missing = words("cgroup.controllers").filter((name) => !enabled.has(name));
  if (missing.length === 0) return;
  const all = missing.map((name) => `+${name}`);
  if (folder.tryWrite("cgroup.subtree_control", all.join(" ")) === undefined) return;
  for (const one of all) folder.tryWrite("cgroup.subtree_control", one);
}

/**
 * A cgroup made below a threaded one is "domain invalid": no process can enter. As a threaded one
 * it can be used for what is left: pids and cpu.
 */
export function leaveInvalidMode(path: string): void {
  using folder = new CgroupFolder(path);
  if (folder.readIfPresent("cgroup.type")?.trim() === "domain invalid") {
    folder.write("cgroup.type", "threaded");
  }
}
