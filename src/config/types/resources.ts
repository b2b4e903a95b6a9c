/**
 * `linux.resources` of config.json: the limits a cgroup enforces (config-linux.md, Control groups).
 *
 * @module
 */

import type { DeviceRuleType } from "./names.ts";

/** cgroup limits (config-linux.md, Control groups). */
export interface Resources {
  /** Device access rules, applied in order (Allowed Device list). */
  readonly devices?: readonly DeviceRule[] | undefined;
  /** Memory (Memory). */
  readonly memory?: MemoryResources | undefined;
  /** CPU time and placement (CPU). */
  readonly cpu?: CpuResources | undefined;
  /** Number of tasks (PIDs). */
  readonly pids?: PidsResources | undefined;
  /** Disk traffic (Block IO). */
  readonly blockIO?: BlockIoResources | undefined;
  /** Huge pages, by page size (Huge page limits). */
  readonly hugepageLimits?: readonly HugepageLimit[] | undefined;
  /** Packet class and priorities; cgroup v1 only (Network). */
  readonly network?: NetworkResources | undefined;
  /** RDMA limits by device name (RDMA). */
  readonly rdma?: Readonly<Record<string, RdmaLimit>> | undefined;
  /** cgroup v2 files and what to write to them, such as `memory.high` (Unified). */
  readonly unified?: Readonly<Record<string, string>> | undefined;
}

/** One device access rule; a later rule wins over an earlier one (Allowed Device list). */
export interface DeviceRule {
  /** Allow or deny. */
  readonly allow: boolean;
  /** Which kind; `a`, all, when missing. */
  readonly type?: DeviceRuleType | undefined;
  /** Major number; any when missing or -1. */
  readonly major?: number | undefined;
  /** Minor number; any when missing or -1. */
  readonly minor?: number | undefined;
  /** Letters of `rwm`: read, write, mknod; all three when missing. */
  readonly access?: string | undefined;
}

/**
 * Memory limits in bytes, -1 for no limit; above 2^53 they are rounded and mean "unlimited"
 * (Memory).
 */
export interface MemoryResources {
  /** Limit of memory. */
  readonly limit?: number | undefined;
  /** What the container may keep when memory is short: v1 soft limit, v2 memory.low. */
  readonly reservation?: number | undefined;
  /** Limit of memory and swap together; not below `limit`. */
  readonly swap?: number | undefined;
  /** Limit of kernel memory; obsolete, ignored. */
  readonly kernel?: number | undefined;
  /** Limit of kernel TCP buffers; obsolete, ignored. */
  readonly kernelTCP?: number | undefined;
  /** How eagerly to swap, 0 to 100; v1 only. */
  readonly swappiness?: number | undefined;
  /** Let tasks wait instead of killing one; v1 only. */
  readonly disableOOMKiller?: boolean | undefined;
  /** Count children to the parent; v1 only. */
  readonly useHierarchy?: boolean | undefined;
  /** Refuse a limit below what is used now. */
  readonly checkBeforeUpdate?: boolean | undefined;
}

/** CPU limits (CPU; sched-bwc.rst). */
export interface CpuResources {
  /** Relative share, 2 to 262144, default 1024; 0 leaves it. */
  readonly shares?: number | undefined;
  /** Microseconds of CPU in each period, 1000 or more; negative for no limit, 0 leaves it. */
  readonly quota?: number | undefined;
  /** Microseconds of unused quota that may be used later. */
  readonly burst?: number | undefined;
  /** Period in microseconds, 1000 to 1000000; 0 leaves it. */
  readonly period?: number | undefined;
  /** Realtime microseconds in each realtime period; v1 only. */
  readonly realtimeRuntime?: number | undefined;
  /** Realtime period in microseconds; v1 only. */
  readonly realtimePeriod?: number | undefined;
  /** CPU list such as `0-3,7`. */
  readonly cpus?: string | undefined;
  /** Memory node list such as `0-1`. */
  readonly mems?: string | undefined;
  /** 1 for SCHED_IDLE treatment of the cgroup; default 0. */
  readonly idle?: number | undefined;
}

/** Task limit (PIDs). */
export interface PidsResources {
  /** Most tasks; negative for no limit; 0 is a real limit since spec 1.3. */
  readonly limit?: number | undefined;
}

/** Disk traffic (Block IO). */
export interface BlockIoResources {
  /** Weight, 10 to 1000; 0 leaves it. */
  readonly weight?: number | undefined;
  /** Weight against the cgroup's children, 10 to 1000; v1 only. */
  readonly leafWeight?: number | undefined;
  /** Weights by device. */
  readonly weightDevice?: readonly WeightDevice[] | undefined;
  /** Most bytes a second read. */
  readonly throttleReadBpsDevice?: readonly ThrottleDevice[] | undefined;
  /** Most bytes a second written. */
  readonly throttleWriteBpsDevice?: readonly ThrottleDevice[] | undefined;
  /** Most reads a second. */
  readonly throttleReadIOPSDevice?: readonly ThrottleDevice[] | undefined;
  /** Most writes a second. */
  readonly throttleWriteIOPSDevice?: readonly ThrottleDevice[] | undefined;
}

/** A weight for one block device. */
export interface WeightDevice {
  /** The device's major number. */
  readonly major: number;
  /** The device's minor number. */
  readonly minor: number;
  /** Weight, 10 to 1000. */
  readonly weight?: number | undefined;
  /** Weight against the cgroup's children, 10 to 1000; v1 only. */
  readonly leafWeight?: number | undefined;
}

/** A rate for one block device. */
export interface ThrottleDevice {
  /** The device's major number. */
  readonly major: number;
  /** The device's minor number. */
  readonly minor: number;
  /** Bytes or operations a second; 0 lifts the limit. */
  readonly rate?: number | undefined;
}

/** Limit of one size of huge page (Huge page limits). */
export interface HugepageLimit {
  /** Page size such as `2MB` or `64KB`. */
  readonly pageSize: string;
  /** Bytes; above 2^53 it is rounded and means "unlimited". */
  readonly limit: number;
}

/** Packet marks; cgroup v1 only (Network). */
export interface NetworkResources {
  /** Class of the container's packets, 0xAAAABBBB (net_cls). */
  readonly classID?: number | undefined;
  /** Priorities by interface (net_prio). */
  readonly priorities?: readonly InterfacePriority[] | undefined;
}

/** Priority of the packets that leave through one interface. */
export interface InterfacePriority {
  /** Interface name inside. */
  readonly name: string;
  /** Priority of its packets, 0 to 4294967295. */
  readonly priority: number;
}

/** RDMA limits of one device; at least one of the two (RDMA). */
export interface RdmaLimit {
  /** Most hca_handles. */
  readonly hcaHandles?: number | undefined;
  /** Most hca_objects. */
  readonly hcaObjects?: number | undefined;
}
