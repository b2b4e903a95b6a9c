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
  /** Per cent of the last 10 seconds, 0 to 100. */
  readonly avg10: number;
  /** Per cent of the last 60 seconds. */
  readonly avg60: number;
  /** Per cent of the last 300 seconds. */
  readonly avg300: number;
  /** Microseconds since the cgroup was made. */
  readonly total: number;
}

/** Pressure on a resource (the kernel's accounting/psi.rst). */
export interface Pressure {
  /** When at least one task waited. */
  readonly some: PressureLine;
  /** When all tasks waited at once, so that no work was done. */
  readonly full: PressureLine;
}

/** CPU time and throttling. */
export interface CpuStats {
  /** CPU time since the cgroup was made, in nanoseconds. */
  readonly usage: {
    /** In user mode and in the kernel together. */
    readonly total: number;
    /** In the kernel. */
    readonly kernel: number;
    /** In user mode. */
    readonly user: number;
    /** `total` for each CPU; empty on cgroup v2, which does not count them. */
    readonly percpu: readonly number[];
    /** `kernel` for each CPU; empty on cgroup v2. */
    readonly percpuKernel: readonly number[];
    /** `user` for each CPU; empty on cgroup v2. */
    readonly percpuUser: readonly number[];
  };
  /** What the CPU quota has cost; all 0 without one. */
  readonly throttling: {
    /** How many periods of the quota have passed. */
    readonly periods: number;
    /** In how many of them the quota was used up. */
    readonly throttledPeriods: number;
    /** How long tasks waited for the next period, in nanoseconds. */
    readonly throttledTime: number;
  };
  /** Waiting for a CPU; undefined on cgroup v1, and where the kernel has PSI off. */
  readonly psi: Pressure | undefined;
}

/** The CPUs and memory nodes that may be used, as the kernel lists them: `0-3,8`. */
export interface CpusetStats {
  /** CPUs, by number. */
  readonly cpus: string;
  /** Memory nodes, by number. */
  readonly mems: string;
}

/** One counter of memory, in bytes. */
export interface MemoryEntry {
  /** What is in use now. */
  readonly usage: number;
  /** The highest usage so far; 0 where the kernel does not keep it. */
  readonly max: number;
  /** How often the limit was hit. */
  readonly failcnt: number;
  /** The most that may be used. */
  readonly limit: Limit;
}

/** Memory, in bytes. */
export interface MemoryStats {
  /** Page cache. */
  readonly cache: number;
  /** All memory that is charged to the container, with the page cache, without swap. */
  readonly usage: MemoryEntry;
  /** Memory and swap together, on v2 too. */
  readonly swap: MemoryEntry;
  /** Memory of the kernel's own; on v2 the usage alone. */
  readonly kernel: MemoryEntry;
  /** The kernel's buffers for network traffic; on v2 the usage alone. */
  readonly kernelTCP: MemoryEntry;
  /** All of memory.stat. */
  readonly raw: Readonly<Record<string, number>>;
  /** How many processes the kernel killed for want of memory. */
  readonly oomKills: number;
  /** Waiting for memory; undefined on cgroup v1, and where the kernel has PSI off. */
  readonly psi: Pressure | undefined;
}

/** How many tasks there are: processes with all their threads. */
export interface PidsStats {
  /** Tasks that there are now. */
  readonly current: number;
  /** The most that there may be. */
  readonly limit: Limit;
}

/** One counter of one block device. */
export interface BlkioEntry {
  /** The device's major number. */
  readonly major: number;
  /** The device's minor number. */
  readonly minor: number;
  /** What is counted: `Read`, `Write`, `Discard`, `Sync`, …; "" where the kernel names nothing. */
  readonly op: string;
  /** The count, in the unit of the list that this is in. */
  readonly value: number;
}

/**
 * Block I/O, with all sub-cgroups. The lists that only v1 has are empty on v2, and also on v1 where
 * the disk's I/O scheduler does not count (the kernel's cgroup-v1/blkio-controller.rst).
 */
export interface BlkioStats {
  /** Bytes that were transferred. */
  readonly ioServiceBytesRecursive: readonly BlkioEntry[];
  /** How many requests were made. */
  readonly ioServicedRecursive: readonly BlkioEntry[];
  /** How many requests wait now; v1 only. */
  readonly ioQueueRecursive: readonly BlkioEntry[];
  /** Nanoseconds from a request's dispatch to its end; v1 only. */
  readonly ioServiceTimeRecursive: readonly BlkioEntry[];
  /** Nanoseconds that requests waited for their dispatch; v1 only. */
  readonly ioWaitTimeRecursive: readonly BlkioEntry[];
  /** How many requests were merged into others; v1 only. */
  readonly ioMergedRecursive: readonly BlkioEntry[];
  /** Milliseconds that the disk was given to the cgroup; v1 only. */
  readonly ioTimeRecursive: readonly BlkioEntry[];
  /** Sectors that were transferred; v1 only. */
  readonly sectorsRecursive: readonly BlkioEntry[];
  /** Waiting for I/O; undefined on cgroup v1, and where the kernel has PSI off. */
  readonly psi: Pressure | undefined;
}

/** Huge pages of one size, in bytes. */
export interface HugetlbStats {
  /** What is in use, or reserved where the kernel counts that. */
  readonly usage: number;
  /** The highest usage so far; 0 on v2, which does not keep it. */
  readonly max: number;
  /** How often the limit was hit. */
  readonly failcnt: number;
}

/** RDMA handles and objects of one device. */
export interface RdmaEntry {
  /** The device's name, such as `mlx4_0`. */
  readonly device: string;
  /** Open handles, or how many there may be. */
  readonly hcaHandles: Limit;
  /** Objects, or how many there may be. */
  readonly hcaObjects: Limit;
}

/** RDMA resources in use and their limits, an entry for each device. */
export interface RdmaStats {
  /** What is in use. */
  readonly current: readonly RdmaEntry[];
  /** The most that may be. */
  readonly limit: readonly RdmaEntry[];
}

/** What a container uses; a part is undefined if its cgroup controller is not there. */
export interface Stats {
  /** CPU time, and throttling by a quota. */
  readonly cpu: CpuStats | undefined;
  /** Where it may run. */
  readonly cpuset: CpusetStats | undefined;
  /** Memory and swap. */
  readonly memory: MemoryStats | undefined;
  /** Tasks. */
  readonly pids: PidsStats | undefined;
  /** Disk traffic. */
  readonly blkio: BlkioStats | undefined;
  /** Huge pages by their size, such as `2MB`; empty without the controller. */
  readonly hugetlb: Readonly<Record<string, HugetlbStats>>;
  /** RDMA devices. */
  readonly rdma: RdmaStats | undefined;
}
