/**
 * The v2 cpu controller.
 *
 * @module
 */

import type { CpuResources } from "../../config/types/config.ts";
import { unsupportedResource } from "../cgroup_errors.ts";
import { type CgroupFolder, parseTable } from "../folder.ts";
import type { CpuStats } from "../stats.ts";
import { pressureStats } from "./pressure.ts";

const POINTER = "/linux/resources/cpu";

/**
 * Writes the config's values; 0 leaves shares, quota and period as they are.
 *
 * @throws {ContainerError} Unsupported for realtime; see CgroupFolder.write
 */
export function applyCpu(folder: CgroupFolder, cpu: CpuResources): void {
  refuseRealtime(cpu);
  const { shares, idle } = cpu;
  const writeIdle = () => folder.write("cpu.idle", String(idle), `${POINTER}/idle`);
  // An idle cgroup refuses a weight (EINVAL). So `idle` is cleared before the weight is written,
  // and set after.
  if (idle === 0) writeIdle();
  if (shares) folder.write("cpu.weight", String(sharesToWeight(shares)), `${POINTER}/shares`);
  if (idle !== undefined && idle !== 0) writeIdle();
  applyBandwidth(folder, cpu);
}

function refuseRealtime(cpu: CpuResources): void {
  for (const field of ["realtimeRuntime", "realtimePeriod"] as const) {
    if (!cpu[field]) continue;
    throw unsupportedResource(
      "cgroup v2 has no realtime bandwidth",
      `${POINTER}/${field}`,
      "remove it from the config",
    );
  }
}

/**
 * The kernel refuses a burst above the present quota (EINVAL), so it is tried again after the new
 * quota.
 */
function applyBandwidth(folder: CgroupFolder, cpu: CpuResources): void {
  const burst = cpu.burst === undefined ? undefined : String(cpu.burst);
  const error = burst === undefined ? undefined : folder.tryWrite("cpu.max.burst", burst);
  if (burst !== undefined && error !== undefined && (error.code !== "EINVAL" || !cpu.quota)) {
    throw folder.failure("cpu.max.burst", error, burst, `${POINTER}/burst`);
  }
  if (cpu.quota || cpu.period) {
    const pointer = cpu.quota ? `${POINTER}/quota` : `${POINTER}/period`;
    folder.write("cpu.max", bandwidth(folder, cpu), pointer);
  }
  if (burst !== undefined && error !== undefined) {
    folder.write("cpu.max.burst", burst, `${POINTER}/burst`);
  }
}

/** The line of cpu.max; what the config leaves open stays as it is. */
function bandwidth(folder: CgroupFolder, { quota, period }: CpuResources): string {
  const [oldQuota, oldPeriod] = (folder.readIfPresent("cpu.max") ?? "").trim().split(" ");
  const newQuota = quota ? (quota < 0 ? "max" : String(quota)) : oldQuota || "max";
  return `${newQuota} ${period || oldPeriod || 100_000}`;
}

/**
 * v1's shares (2 to 262144, 1024 by default) as v2's weight (1 to 10000, 100 by default): the curve
 * through smallest, default and largest that runc and crun use (opencontainers/cgroups, since
 * 2025).
 */
export function sharesToWeight(shares: number): number {
  if (shares <= 2) return 1;
  if (shares >= 262_144) return 10_000;
  const l = Math.log2(shares);
  const exponent = (l * l + 125 * l) / 612 - 7 / 34;
  // Rounded up, but not for the last bits of a double: 1024 must be 100.
  return Math.ceil(Number((10 ** exponent).toPrecision(12)));
}

/** CPU time. cpu.stat is there without the controller too. */
export function cpuStats(folder: CgroupFolder): CpuStats | undefined {
  const text = folder.readIfPresent("cpu.stat");
  if (text === undefined) return undefined;
  const table = parseTable(text);
  return {
    usage: {
      total: (table.usage_usec ?? 0) * 1000,
      user: (table.user_usec ?? 0) * 1000,
      kernel: (table.system_usec ?? 0) * 1000,
      percpu: [],
      percpuKernel: [],
      percpuUser: [],
    },
    throttling: {
      periods: table.nr_periods ?? 0,
      throttledPeriods: table.nr_throttled ?? 0,
      throttledTime: (table.throttled_usec ?? 0) * 1000,
    },
    psi: pressureStats(folder, "cpu.pressure"),
  };
}
