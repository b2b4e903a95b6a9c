/**
 * The pids controller, which is the same on v1 and v2.
 *
 * Source: the kernel's Documentation/admin-guide/cgroup-v1/pids.rst.
 *
 * @module
 */

import type { PidsResources } from "../../config/types/config.ts";
import type { CgroupFolder } from "../folder.ts";
import type { PidsStats } from "../stats.ts";

/**
 * Writes the limit. Negative lifts it; 0 is a limit (since spec 1.3), written as 1 as runc does:
 * the same in effect, since the container's first process does not need to fork to be in it.
 *
 * @throws {ContainerError} see CgroupFolder.write
 */
export function applyPids(folder: CgroupFolder, pids: PidsResources): void {
  const { limit } = pids;
  if (limit === undefined) return;
  const value = limit < 0 ? "max" : String(Math.max(limit, 1));
  folder.write("pids.max", value, "/linux/resources/pids/limit");
}

/** The number of tasks. */
export function pidsStats(folder: CgroupFolder): PidsStats {
  return { current: folder.number("pids.current"), limit: folder.limit("pids.max") };
}
