/**
 * The v1 memory controller. The limit of memory and swap together ("memsw") may never be below the
 * limit of memory, not even for a moment. So the order of the two writes depends on the old values.
 * Kernel limits of the config are ignored: the kernel no longer has them.
 *
 * Source: the kernel's Documentation/admin-guide/cgroup-v1/memory.rst.
 *
 * @module
 */

import type { MemoryResources } from "../../config/types/config.ts";
import { invalidResource } from "../cgroup_errors.ts";
import type { CgroupFolder, Limit } from "../folder.ts";
import type { MemoryEntry, MemoryStats } from "../stats.ts";

const POINTER = "/linux/resources/memory";
const LIMIT = "memory.limit_in_bytes";
const SWAP_LIMIT = "memory.memsw.limit_in_bytes";

/** What the kernel shows for "no limit": PAGE_COUNTER_MAX pages; never less than this. */
const UNLIMITED = 2 ** 62;

/** Whether the config sets anything here. */
export function wantsMemory(memory: MemoryResources | undefined): boolean {
  return memory !== undefined &&
    (Boolean(memory.limit) || Boolean(memory.swap) || Boolean(memory.reservation) ||
      memory.disableOOMKiller === true || memory.swappiness !== undefined);
}

/**
 * Writes the config's values; -1 lifts a limit, 0 leaves it.
 *
 * @throws {ContainerError} see CgroupFolder.write; ConfigInvalid for a limit below the usage
 */
export function applyMemory(folder: CgroupFolder, memory: MemoryResources): void {
  applyLimits(folder, memory);
  if (memory.reservation) {
    const value = String(memory.reservation);
    folder.write("memory.soft_limit_in_bytes", value, `${POINTER}/reservation`);
  }
  if (memory.disableOOMKiller) {
    folder.write("memory.oom_control", "1", `${POINTER}/disableOOMKiller`);
  }
  const { swappiness } = memory;
  if (swappiness === undefined || swappiness === -1) return;
  if (swappiness < 0 || swappiness > 100) {
    throw invalidResource("swappiness goes from 0 to 100", `${POINTER}/swappiness`);
  }
  folder.write("memory.swappiness", String(swappiness), `${POINTER}/swappiness`);
}

function applyLimits(folder: CgroupFolder, memory: MemoryResources): void {
  const limit = memory.limit ?? 0;
  // Unlimited memory with limited swap is impossible, so -1 for memory alone lifts both.
  const swap = memory.swap || (limit === -1 && folder.has(SWAP_LIMIT) ? -1 : 0);
  if (limit !== 0 && memory.checkBeforeUpdate === true) checkUsage(folder, limit);
  const writeSwap = () => {
    if (swap !== 0) folder.write(SWAP_LIMIT, String(swap), `${POINTER}/swap`);
  };
  const raising = limit !== 0 && swap !== 0 && (swap === -1 || folder.number(LIMIT) < swap);
  if (raising) writeSwap();
  if (limit !== 0) writeLimit(folder, limit);
  if (!raising) writeSwap();
}

function writeLimit(folder: CgroupFolder, limit: number): void {
  const error = folder.tryWrite(LIMIT, String(limit));
  if (error === undefined) return;
  // EBUSY: the kernel could not bring the usage below the limit.
  if (error.code === "EBUSY") throw belowUsage(folder, limit);
  const hint = error.code === "EINVAL" && folder.has(SWAP_LIMIT)
    ? "it can't be above the limit of memory and swap that stands: set swap too"
    : undefined;
  throw folder.failure(LIMIT, error, String(limit), `${POINTER}/limit`, hint);
}

function checkUsage(folder: CgroupFolder, limit: number): void {
  if (limit > 0 && limit < folder.number("memory.usage_in_bytes")) throw belowUsage(folder, limit);
}

function belowUsage(folder: CgroupFolder, limit: number): Error {
  const usage = folder.number("memory.usage_in_bytes");
  const peak = folder.number("memory.max_usage_in_bytes", 0);
  return invalidResource(
    `a memory limit of ${limit} is below the usage (now ${usage}, at most ${peak})`,
    `${POINTER}/limit`,
    "choose a higher one, or end some of its processes first",
  );
}

/** Memory in use. */
export function memoryStats(folder: CgroupFolder): MemoryStats {
  const raw = folder.table("memory.stat");
  return {
    cache: raw.cache ?? 0,
    usage: entry(folder, "memory"),
    swap: entry(folder, "memory.memsw"),
    kernel: entry(folder, "memory.kmem"),
    kernelTCP: entry(folder, "memory.kmem.tcp"),
    raw,
    oomKills: folder.table("memory.oom_control").oom_kill ?? 0,
    psi: undefined,
  };
}

function entry(folder: CgroupFolder, prefix: string): MemoryEntry {
  // The files of an entry are either all there or all missing: a kernel without swap accounting has
  // none for swap.
  if (!folder.has(`${prefix}.usage_in_bytes`)) return NONE;
  return {
    usage: folder.number(`${prefix}.usage_in_bytes`, 0),
    max: folder.number(`${prefix}.max_usage_in_bytes`, 0),
    failcnt: folder.number(`${prefix}.failcnt`, 0),
    limit: bounded(folder.limit(`${prefix}.limit_in_bytes`)),
  };
}

const NONE: MemoryEntry = { usage: 0, max: 0, failcnt: 0, limit: "max" };

function bounded(limit: Limit): Limit {
  return limit === "max" || limit >= UNLIMITED ? "max" : limit;
}
