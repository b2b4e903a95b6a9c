/**
 * What a program has used, once it has ended.
 *
 * @module
 */

import type { ResourceUsage } from "../../ffi/processes/resource_usage.ts";
import type { CgroupManager } from "../cgroups/manager.ts";
import type { BlkioStats, Stats } from "../cgroups/stats.ts";
import { ContainerError } from "../errors.ts";

/** All that a usage is made of; the rest would take as many reads again. */
const COUNTED = ["cpu", "memory", "blkio"] as const;
const NS_PER_MS = 1e6;

/**
 * What a program used. A number is undefined where the host does not count it, or where the counts
 * went with the cgroup, as those of systemd's do.
 */
export interface Usage {
  /** From the program's start to its end, in milliseconds. */
  readonly wallMs: number;
  /** CPU time, in user mode and in the kernel, in milliseconds. */
  readonly cpuMs: number | undefined;
  /** The most memory at once, in bytes: for a container of all it was charged with, files too. */
  readonly memoryPeakBytes: number | undefined;
  /** Bytes that were read from block devices. */
  readonly ioReadBytes: number | undefined;
  /** Bytes that were written to block devices; what is still in memory only may be missing. */
  readonly ioWrittenBytes: number | undefined;
}

/**
 * What a container has used: by its cgroups, which count all of its processes, and where they don't
 * tell by what the kernel says of its first one.
 */
export function usageOfAll(
  stats: Stats | undefined,
  first: ResourceUsage | undefined,
  wallMs: number,
): Usage {
  const { cpu, memory, blkio } = stats ?? {};
  const own = usageOfOne(first, wallMs);
  const peak = memory?.usage.max ?? 0; // 0 where the kernel does not keep it
  return {
    wallMs,
    cpuMs: cpu === undefined ? own.cpuMs : cpu.usage.total / NS_PER_MS,
    memoryPeakBytes: peak > 0 ? peak : own.memoryPeakBytes,
    ioReadBytes: blkio === undefined ? own.ioReadBytes : transferred(blkio, "Read"),
    ioWrittenBytes: blkio === undefined ? own.ioWrittenBytes : transferred(blkio, "Write"),
  };
}

/** What one process has used. */
export function usageOfOne(usage: ResourceUsage | undefined, wallMs: number): Usage {
  return {
    wallMs,
    cpuMs: usage === undefined ? undefined : usage.userMs + usage.systemMs,
    memoryPeakBytes: usage?.peakBytes,
    ioReadBytes: usage?.readBytes,
    ioWrittenBytes: usage?.writtenBytes,
  };
}

function transferred({ ioServiceBytesRecursive: entries }: BlkioStats, op: string): number {
  return entries.reduce((sum, entry) => entry.op === op ? sum + entry.value : sum, 0);
}

/** What the cgroups say; undefined if they are gone, since another program removes the container. */
export function statsIfThere(cgroups: Pick<CgroupManager, "stats">): Stats | undefined {
  try {
    return cgroups.stats(COUNTED);
  } catch (error) {
    if (error instanceof ContainerError) return undefined;
    throw error;
  }
}
