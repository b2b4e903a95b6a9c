/**
 * The v1 cpu controller: shares, bandwidth, realtime.
 *
 * Source: the kernel's Documentation/scheduler/sched-bwc.rst and sched-rt-group.rst.
 *
 * @module
 */

import type { CpuResources } from "../../config/types/config.ts";
import { invalidResource } from "../cgroup_errors.ts";
import type { CgroupFolder } from "../folder.ts";
import type { CpuStats } from "../stats.ts";

const POINTER = "/linux/resources/cpu";

/** Whether the config sets anything here. */
export function wantsCpu(cpu: CpuResources | undefined): boolean {
  return cpu !== undefined &&
    (Boolean(cpu.shares) || Boolean(cpu.quota) || Boolean(cpu.period) ||
      cpu.burst !== undefined || cpu.idle !== undefined ||
      Boolean(cpu.realtimePeriod) || Boolean(cpu.realtimeRuntime));
}

/**
 * Writes the config's values. 0 leaves shares, quota and period as they are.
 *
 * @throws {ContainerError} see CgroupFolder.write; ConfigInvalid for shares out of range
 */
export function applyCpu(folder: CgroupFolder, cpu: CpuResources): void {
  const { shares, idle } = cpu;
  const writeIdle = () => folder.write("cpu.idle", String(idle), `${POINTER}/idle`);
  // An idle cgroup refuses shares (EINVAL). So `idle` is cleared before the shares are written, and
  // set after.
  if (idle === 0) writeIdle();
  if (shares) applyShares(folder, shares);
  if (idle !== undefined && idle !== 0) writeIdle();
  applyBandwidth(folder, cpu);
  applyRealtime(folder, cpu);
}

/** The kernel clamps shares silently; the config's value must hold or fail. */
function applyShares(folder: CgroupFolder, shares: number): void {
  folder.write("cpu.shares", String(shares), `${POINTER}/shares`);
  const got = folder.number("cpu.shares");
  if (got === shares) return;
  const bound = shares > got ? "maximum" : "minimum";
  throw invalidResource(`the ${bound} of cpu shares is ${got}`, `${POINTER}/shares`);
}

/**
 * The kernel checks period and burst against the present quota. If it refuses one with EINVAL, that
 * is written again after the new quota.
 */
function applyBandwidth(folder: CgroupFolder, cpu: CpuResources): void {
  const { quota, period, burst } = cpu;
  const after: (() => void)[] = [];
  const write = (name: string, value: number, field: string) => {
    const error = folder.tryWrite(name, String(value));
    if (error === undefined) return;
    if (error.code !== "EINVAL" || !quota) {
      throw folder.failure(name, error, String(value), `${POINTER}/${field}`);
    }
    after.push(() => folder.write(name, String(value), `${POINTER}/${field}`));
  };
  if (period) write("cpu.cfs_period_us", period, "period");
  if (burst !== undefined) write("cpu.cfs_burst_us", burst, "burst");
  if (quota) {
    folder.write("cpu.cfs_quota_us", String(Math.max(quota, -1)), `${POINTER}/quota`);
    after.forEach((again) => again());
  }
}

/**
 * The kernel refuses a realtime period that doesn't fit the old runtime; it is then written after
 * the new runtime.
 */
function applyRealtime(folder: CgroupFolder, cpu: CpuResources): void {
  const { realtimePeriod: period, realtimeRuntime: runtime } = cpu;
  const write = () => folder.write("cpu.rt_period_us", String(period), `${POINTER}/realtimePeriod`);
  let later = false;
  if (period) {
    const error = folder.tryWrite("cpu.rt_period_us", String(period));
    later = error !== undefined;
    if (error !== undefined && (error.code !== "EINVAL" || !runtime)) {
      throw folder.failure("cpu.rt_period_us", error, String(period), `${POINTER}/realtimePeriod`);
    }
  }
  if (runtime) {
    folder.write("cpu.rt_runtime_us", String(runtime), `${POINTER}/realtimeRuntime`);
    if (later) write();
  }
}

/** How often and how long the bandwidth limit held tasks back. */
export function throttlingStats(folder: CgroupFolder): CpuStats["throttling"] {
  const table = folder.table("cpu.stat");
  return {
    periods: table.nr_periods ?? 0,
    throttledPeriods: table.nr_throttled ?? 0,
    throttledTime: table.throttled_time ?? 0,
  };
}
