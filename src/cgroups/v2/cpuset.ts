/**
 * The v2 cpuset controller.
 *
 * @module
 */

import type { CpuResources } from "../../config/types/config.ts";
import type { CgroupFolder } from "../folder.ts";
import type { CpusetStats } from "../stats.ts";

/**
 * Writes the config's lists.
 *
 * @throws {ContainerError} see CgroupFolder.write
 */
export function applyCpuset(folder: CgroupFolder, { cpus, mems }: CpuResources): void {
  if (cpus) folder.write("cpuset.cpus", cpus, "/linux/resources/cpu/cpus");
  if (mems) folder.write("cpuset.mems", mems, "/linux/resources/cpu/mems");
}

/** The lists that apply. The cgroup's own lists are empty where it follows its parent. */
export function cpusetStats(folder: CgroupFolder): CpusetStats | undefined {
  const cpus = folder.readIfPresent("cpuset.cpus.effective");
  const mems = folder.readIfPresent("cpuset.mems.effective");
  if (cpus === undefined || mems === undefined) return undefined;
  return { cpus: cpus.trim(), mems: mems.trim() };
}
