/**
 * CPU and I/O scheduling: the structures and numbers of sched_setattr(2), sched_setaffinity(2) and
 * ioprio_set(2).
 *
 * Source: sched(7), the kernel's include/uapi/linux/{sched,ioprio}.h and linux/sched/types.h.
 *
 * @module
 */

import { libc } from "../c/libc.ts";

/** The scheduling policies, by the names of the OCI spec. No released kernel has SCHED_ISO. */
export const SCHED_POLICY: Readonly<Record<string, number>> = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_ISO: 4,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
};

/** Flags of sched_setattr(2), by the names of the OCI spec. */
export const SCHED_FLAG: Readonly<Record<string, number>> = {
  SCHED_FLAG_RESET_ON_FORK: 0x01,
  SCHED_FLAG_RECLAIM: 0x02,
  SCHED_FLAG_DL_OVERRUN: 0x04,
  SCHED_FLAG_KEEP_POLICY: 0x08,
  SCHED_FLAG_KEEP_PARAMS: 0x10,
  SCHED_FLAG_UTIL_CLAMP_MIN: 0x20,
  SCHED_FLAG_UTIL_CLAMP_MAX: 0x40,
};

/** The classes of ioprio_set(2), by the names of the OCI spec. */
export const IOPRIO_CLASS: Readonly<Record<string, number>> = {
  IOPRIO_CLASS_RT: 1,
  IOPRIO_CLASS_BE: 2,
  IOPRIO_CLASS_IDLE: 3,
};

/** ioprio_set(2) is about one thread. */
export const IOPRIO_WHO_PROCESS = 1;
/** How far the class stands above the level in an I/O priority. */
export const IOPRIO_CLASS_SHIFT = 13;

const ATTRIBUTES_SIZE = 56;
/** As many CPUs as the largest kernel can have. */
const MAX_CPUS = 8192;

/** What a scheduler is told; times are in nanoseconds. */
export interface SchedulerAttributes {
  readonly policy: number;
  readonly flags: number;
  readonly nice: number;
  readonly priority: number;
  readonly runtime: number;
  readonly deadline: number;
  readonly period: number;
}

/** struct sched_attr, version 1: the utilization clamps at its end stay 0. */
export function schedulerAttributes(attributes: SchedulerAttributes): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(ATTRIBUTES_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, ATTRIBUTES_SIZE, true);
  view.setUint32(4, attributes.policy, true);
  view.setBigUint64(8, BigInt(attributes.flags), true);
  view.setInt32(16, attributes.nice, true);
  view.setUint32(20, attributes.priority, true);
  view.setBigUint64(24, BigInt(attributes.runtime), true);
  view.setBigUint64(32, BigInt(attributes.deadline), true);
  view.setBigUint64(40, BigInt(attributes.period), true);
  return bytes;
}

/** The opposite of {@linkcode schedulerAttributes}. */
export function readSchedulerAttributes(bytes: Uint8Array): SchedulerAttributes {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    policy: view.getUint32(4, true),
    flags: Number(view.getBigUint64(8, true)),
    nice: view.getInt32(16, true),
    priority: view.getUint32(20, true),
    runtime: Number(view.getBigUint64(24, true)),
    deadline: Number(view.getBigUint64(32, true)),
    period: Number(view.getBigUint64(40, true)),
  };
}

/**
 * A CPU mask of some CPUs.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { cpuMask } from "./scheduler.ts";
 * assert(cpuMask([0, 9])[1] === 2);
 * ```
 */
export function cpuMask(cpus: readonly number[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(MAX_CPUS / 8);
  for (const cpu of cpus) bytes[cpu >> 3] = (bytes[cpu >> 3] ?? 0) | 1 << (cpu & 7);
  return bytes;
}

/** A CPU mask with every CPU that a kernel can have. */
export function allCpus(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(MAX_CPUS / 8).fill(0xff);
}

/**
 * Lets another thread that waits for this one's CPU go first, if there is one: sched_yield(2). Who has
 * just been told something is mostly put on the CPU of who told it, though others are idle.
 */
export function letOthersRun(): void {
  libc.sched_yield();
}
