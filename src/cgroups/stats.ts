/**
 * What a container uses, in the layout of runc's `events --stats`.
 *
 * Numbers above 2^53 (nanoseconds after a hundred days of CPU time) lose their last digits. A limit
 * that is not set is "max".
 *
 * @module
 */

import type { Limit } from "./folder.ts";

export type { Limit } from "./folder.ts";

/**
 * The share of time in which tasks waited for a resource, and for how long: PSI, cgroup v2 only.
 */
export interface PressureLine {
  /** Per cent of the last 10, 60 and 300 seconds. */
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
  /** Microseconds altogether. */
  readonly total: number;
}

/** Pressure on a resource: `some` task waited, or all did. */
export interface Pressure {
  readonly some: PressureLine;
  readonly full: PressureLine;
}

/** CPU time, in nanoseconds, and throttling. */
export interface CpuStats {
  readonly usage: {
    readonly total: number;
    readonly kernel: number;
    readonly user: number;
    /** For each CPU; empty on cgroup v2, which does not count them. */
    readonly percpu: readonly number[];
    readonly percpuKernel: readonly number[];
    readonly percpuUser: readonly number[];
  };
  readonly throttling: {
    readonly periods: number;
    readonly throttledPeriods: number;
    /** Nanoseconds. */
    readonly throttledTime: number;
  };
  readonly psi: Pressure | undefined;
}

/** The CPUs and memory nodes that may be used, as the kernel lists them: `0-3,8`. */
export interface CpusetStats {
  readonly cpus: string;
  readonly mems: string;
}

/** One counter of memory, in bytes. */
export interface MemoryEntry {
  readonly usage: number;
  /** The highest usage so far; 0 where the kernel does not keep it. */
  readonly max: number;
  /** How often the limit was hit. */
  readonly failcnt: number;
  readonly limit: Limit;
}

/** Memory, in bytes. */
export interface MemoryStats {
  /** Page cache. */
  readonly cache: number;
  readonly usage: MemoryEntry;
  /** Memory and swap together, on v2 too. */
  readonly swap: MemoryEntry;
  readonly kernel: MemoryEntry;
  readonly kernelTCP: MemoryEntry;
  /** All of memory.stat. */
  readonly raw: Readonly<Record<string, number>>;
  /** How many processes the kernel killed for want of memory. */
  readonly oomKills: number;
  readonly psi: Pressure | undefined;
}

/** Tasks. */
export interface PidsStats {
  readonly current: number;
  readonly limit: Limit;
}

/** One counter of one device: `op` is Read, Write, Sync, …; "" where the kernel names none. */
export interface BlkioEntry {
  readonly major: number;
  readonly minor: number;
  readonly op: string;
  readonly value: number;
}

/** Block I/O, with all sub-cgroups. */
export interface BlkioStats {
  readonly ioServiceBytesRecursive: readonly BlkioEntry[];
  readonly ioServicedRecursive: readonly BlkioEntry[];
  readonly ioQueueRecursive: readonly BlkioEntry[];
  readonly ioServiceTimeRecursive: readonly BlkioEntry[];
  readonly ioWaitTimeRecursive: readonly BlkioEntry[];
  readonly ioMergedRecursive: readonly BlkioEntry[];
  readonly ioTimeRecursive: readonly BlkioEntry[];
  readonly sectorsRecursive: readonly BlkioEntry[];
  readonly psi: Pressure | undefined;
}

/** Huge pages of one size, in bytes. */
export interface HugetlbStats {
  readonly usage: number;
  /** The highest usage so far; 0 on v2, which does not keep it. */
  readonly max: number;
  readonly failcnt: number;
}

/** RDMA handles and objects of one device. */
export interface RdmaEntry {
  readonly device: string;
  readonly hcaHandles: Limit;
  readonly hcaObjects: Limit;
}

/** RDMA resources in use and their limits. */
export interface RdmaStats {
  readonly current: readonly RdmaEntry[];
  readonly limit: readonly RdmaEntry[];
}

/** Everything; a part whose controller is not there is undefined. */
export interface Stats {
  readonly cpu: CpuStats | undefined;
  readonly cpuset: CpusetStats | undefined;
  readonly memory: MemoryStats | undefined;
  readonly pids: PidsStats | undefined;
  readonly blkio: BlkioStats | undefined;
  /** By page size, such as `2MB`. */
  readonly hugetlb: Readonly<Record<string, HugetlbStats>>;
  readonly rdma: RdmaStats | undefined;
}
