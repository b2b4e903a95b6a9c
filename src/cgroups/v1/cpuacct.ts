/**
 * The v1 cpuacct controller, which only counts.
 *
 * Source: the kernel's Documentation/admin-guide/cgroup-v1/cpuacct.rst.
 *
 * @module
 */

import type { CgroupFolder } from "../folder.ts";
import type { CpuStats } from "../stats.ts";

/** cpuacct.stat counts in ticks of USER_HZ, 100 a second on every CPU that hull runs on. */
const NANOSECONDS_A_TICK = 10_000_000;

/** CPU time. */
export function cpuUsageStats(folder: CgroupFolder): CpuStats["usage"] {
  const ticks = folder.table("cpuacct.stat");
  const modes = (folder.readIfPresent("cpuacct.usage_all") ?? "").split("\n").slice(1)
    .map((line) => /^\d+ (\d+) (\d+)$/.exec(line)).filter((match) => match !== null);
  return {
    total: folder.number("cpuacct.usage"),
    user: (ticks.user ?? 0) * NANOSECONDS_A_TICK,
    kernel: (ticks.system ?? 0) * NANOSECONDS_A_TICK,
    percpu: (folder.readIfPresent("cpuacct.usage_percpu") ?? "").split(/\s+/)
      .filter((word) => word !== "").map(Number),
    percpuUser: modes.map((match) => Number(match[1])),
    percpuKernel: modes.map((match) => Number(match[2])),
  };
}
