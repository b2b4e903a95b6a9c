/**
 * What a program has used, once it has ended.
 *
 * @module
 */

import type { ResourceUsage } from "../../ffi/processes/resource_usage.ts";
import type { Totals } from "../cgroups/totals.ts";

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
  totals: Totals | undefined,
  first: ResourceUsage | undefined,
  wallMs: number,
): Usage {
  const own = usageOfOne(first, wallMs);
  const { cpuNs, memoryPeak = 0, readBytes, writtenBytes } = totals ?? {};
  return {
    wallMs,
    cpuMs: cpuNs === undefined ? own.cpuMs : cpuNs / NS_PER_MS,
    memoryPeakBytes: memoryPeak > 0 ? memoryPeak : own.memoryPeakBytes,
    ioReadBytes: readBytes ?? own.ioReadBytes,
    ioWrittenBytes: writtenBytes ?? own.ioWrittenBytes,
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
