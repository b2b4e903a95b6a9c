/**
 * The v2 memory controller.
 *
 * @module
 */

import type { MemoryResources } from "../../config/types/config.ts";
import { invalidResource, unsupportedResource } from "../cgroup_errors.ts";
import { type CgroupFolder, parseTable } from "../folder.ts";
import type { MemoryEntry, MemoryStats } from "../stats.ts";
import { pressureStats } from "./pressure.ts";

const POINTER = "/linux/resources/memory";
const NOTHING: MemoryEntry = { usage: 0, max: 0, failcnt: 0, limit: "max" };

/**
 * Writes the config's values; -1 lifts a limit, 0 leaves it. Kernel limits are ignored.
 *
 * @throws {ContainerError} Unsupported for what v2 can't do; see CgroupFolder.write
 */
export function applyMemory(folder: CgroupFolder, memory: MemoryResources): void {
  refuseV1Only(memory);
  const { limit, reservation } = memory;
  if (limit && memory.checkBeforeUpdate === true) checkUsage(folder, limit);
  applySwap(folder, memory);
  if (limit) folder.write("memory.max", amount(limit), `${POINTER}/limit`);
  if (reservation) folder.write("memory.low", amount(reservation), `${POINTER}/reservation`);
}

function refuseV1Only({ disableOOMKiller, swappiness }: MemoryResources): void {
  if (disableOOMKiller === true) {
    throw unsupportedResource(
      "cgroup v2 can't disable the OOM killer",
      `${POINTER}/disableOOMKiller`,
      "lift the limit, or set unified memory.high to slow the tasks down instead",
    );
  }
  if (swappiness !== undefined && swappiness !== -1) {
    throw unsupportedResource(
      "cgroup v2 has no swappiness",
      `${POINTER}/swappiness`,
      "set unified memory.swap.max to bound the use of swap",
    );
  }
}

function checkUsage(folder: CgroupFolder, limit: number): void {
  const usage = folder.number("memory.current");
  if (limit > 0 && limit < usage) {
    throw invalidResource(
      `a memory limit of ${limit} is below the usage (now ${usage})`,
      `${POINTER}/limit`,
      "choose a higher one, or end some of its processes first",
    );
  }
}

/**
 * A host without swap accounting has no memory.swap.max: then "none" and "any amount" both hold.
 */
function applySwap(folder: CgroupFolder, memory: MemoryResources): void {
  const current = memory.limit || memory.swap === undefined || memory.swap <= 0
    ? 0
    : folder.limit("memory.max");
  const limit = memory.limit || (current === "max" ? 0 : current);
  const value = swapMax(memory.swap ?? 0, limit);
  if (value === undefined) return;
  const error = folder.tryWrite("memory.swap.max", value);
  if (error === undefined) return;
  if (error.code === "ENOENT" && (value === "max" || value === "0")) return;
  throw folder.failure("memory.swap.max", error, value, `${POINTER}/swap`);
}

/**
 * What memory.swap.max becomes: the config counts memory and swap together, v2 swap alone.
 *
 * @param swap the config's value: -1 no limit, 0 not set
 * @param limit the memory limit: -1 none, 0 not known
 * @returns undefined to leave the file as it is
 * @throws {ContainerError} ConfigInvalid where there is nothing to subtract from or too much
 */
export function swapMax(swap: number, limit: number): string | undefined {
  if (swap === 0) return limit === -1 ? "max" : undefined;
  if (swap < 0) return "max";
  if (limit < 0) return String(swap);
  if (limit === 0) {
    throw invalidResource("a limit of swap needs a limit of memory", `${POINTER}/swap`);
  }
  if (swap < limit) {
    throw invalidResource("swap counts memory too: it can't be below limit", `${POINTER}/swap`);
  }
  return String(swap - limit);
}

function amount(bytes: number): string {
  return bytes < 0 ? "max" : String(bytes);
}

/** Memory in use, in v1's layout: `swap` counts memory too. */
export function memoryStats(folder: CgroupFolder): MemoryStats | undefined {
  const text = folder.readIfPresent("memory.stat");
  if (text === undefined || !folder.has("memory.current")) return undefined;
  const raw = parseTable(text);
  const events = folder.table("memory.events");
  const usage: MemoryEntry = {
    usage: folder.number("memory.current"),
    max: folder.number("memory.peak", 0),
    failcnt: events.max ?? 0,
    limit: folder.limit("memory.max"),
  };
  return {
    cache: raw.file ?? 0,
    usage,
    swap: swapEntry(folder, usage),
    kernel: { ...NOTHING, usage: raw.kernel ?? 0 },
    kernelTCP: { ...NOTHING, usage: raw.sock ?? 0 },
    raw,
    oomKills: events.oom_kill ?? 0,
    psi: pressureStats(folder, "memory.pressure"),
  };
}

function swapEntry(folder: CgroupFolder, memory: MemoryEntry): MemoryEntry {
  if (!folder.has("memory.swap.current")) return NOTHING;
  const limit = folder.limit("memory.swap.max");
  const isBounded = limit !== "max" && memory.limit !== "max";
  return {
    usage: folder.number("memory.swap.current") + memory.usage,
    max: 0,
    failcnt: folder.table("memory.swap.events").max ?? 0,
    limit: isBounded ? limit + memory.limit : "max",
  };
}
