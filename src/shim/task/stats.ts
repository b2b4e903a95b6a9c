/**
 * What a container uses, in the messages of containerd's monitors.
 *
 * @module
 */

import type {
  BlkioEntry,
  BlkioStats,
  HugetlbStats,
  Limit,
  MemoryEntry,
  MemoryStats,
  Pressure,
  RdmaEntry,
  RdmaStats,
} from "../../cgroups/stats.ts";
import type { ContainerStats } from "../../events.ts";
import type { Given } from "../../protobuf/message.ts";
import { type ANY, anyOf } from "../messages/common.ts";
import {
  V1_MEMORY,
  V1_METRICS,
  V1_TYPE,
  V2_MEMORY,
  V2_METRICS,
  V2_TYPE,
} from "../messages/metrics.ts";

/** The stats as containerd reads them on a host of that version. */
export function statsMessage(stats: ContainerStats, version: 1 | 2): Given<typeof ANY> {
  return version === 1
    ? anyOf(V1_TYPE, V1_METRICS, v1Metrics(stats))
    : anyOf(V2_TYPE, V2_METRICS, v2Metrics(stats));
}

function v1Metrics(stats: ContainerStats): Given<typeof V1_METRICS> {
  const { cpu, memory, pids, blkio, rdma, hugetlb, networkInterfaces } = stats;
  return {
    hugetlb: Object.entries(hugetlb).map(([pagesize, one]) => ({ pagesize, ...hugePages(one) })),
    pids: pids && { current: count(pids.current), limit: limitOf(pids.limit, 0n) },
    cpu: cpu && {
      usage: {
        total: count(cpu.usage.total),
        kernel: count(cpu.usage.kernel),
        user: count(cpu.usage.user),
        perCpu: cpu.usage.percpu.map(count),
      },
      throttling: {
        periods: count(cpu.throttling.periods),
        throttledPeriods: count(cpu.throttling.throttledPeriods),
        throttledTime: count(cpu.throttling.throttledTime),
      },
    },
    memory: memory && {
      ...counters(memory, V1_MEMORY),
      usage: memoryEntry(memory.usage),
      swap: memoryEntry(memory.swap),
      kernel: memoryEntry(memory.kernel),
      kernelTcp: memoryEntry(memory.kernelTCP),
    },
    blkio: blkio && {
      ioServiceBytesRecursive: blkio.ioServiceBytesRecursive.map(blkioEntry),
      ioServicedRecursive: blkio.ioServicedRecursive.map(blkioEntry),
      ioQueueRecursive: blkio.ioQueueRecursive.map(blkioEntry),
      ioServiceTimeRecursive: blkio.ioServiceTimeRecursive.map(blkioEntry),
      ioWaitTimeRecursive: blkio.ioWaitTimeRecursive.map(blkioEntry),
      ioMergedRecursive: blkio.ioMergedRecursive.map(blkioEntry),
      ioTimeRecursive: blkio.ioTimeRecursive.map(blkioEntry),
      sectorsRecursive: blkio.sectorsRecursive.map(blkioEntry),
    },
    rdma: rdma && rdmaMessage(rdma),
    network: networks(networkInterfaces),
    memoryOomControl: memory && { oomKill: count(memory.oomKills) },
  };
}

function v2Metrics(stats: ContainerStats): Given<typeof V2_METRICS> {
  const { cpu, memory, pids, blkio, rdma, hugetlb, networkInterfaces } = stats;
  return {
    pids: pids && { current: count(pids.current), limit: limitOf(pids.limit, 0n) },
    cpu: cpu && {
      usageUsec: micro(cpu.usage.total),
      userUsec: micro(cpu.usage.user),
      systemUsec: micro(cpu.usage.kernel),
      nrPeriods: count(cpu.throttling.periods),
      nrThrottled: count(cpu.throttling.throttledPeriods),
      throttledUsec: micro(cpu.throttling.throttledTime),
      psi: pressure(cpu.psi),
    },
    memory: memory && v2Memory(memory),
    rdma: rdma && rdmaMessage(rdma),
    io: blkio && { usage: ioEntries(blkio), psi: pressure(blkio.psi) },
    hugetlb: Object.entries(hugetlb).map(([pagesize, { usage, failcnt }]) => ({
      pagesize,
      current: count(usage),
      failcnt: count(failcnt),
    })),
    memoryEvents: memory && { oomKill: count(memory.oomKills) },
    network: networks(networkInterfaces),
  };
}

function v2Memory(memory: MemoryStats) {
  const { usage, swap, raw, psi } = memory;
  // In the stats swap counts memory, too.
  const isBounded = swap.limit !== "max" && usage.limit !== "max";
  return {
    ...counters(memory, V2_MEMORY),
    slab: count(raw["slab"] ?? (raw["slab_reclaimable"] ?? 0) + (raw["slab_unreclaimable"] ?? 0)),
    usage: count(usage.usage),
    usageLimit: limitOf(usage.limit, UNLIMITED),
    swapUsage: count(Math.max(0, swap.usage - usage.usage)),
    swapLimit: isBounded ? count(Number(swap.limit) - Number(usage.limit)) : UNLIMITED,
    maxUsage: count(usage.max),
    psi: pressure(psi),
    workingset_refault_anon: count(raw["workingset_refault_anon"] ?? 0),
    workingset_refault_file: count(raw["workingset_refault_file"] ?? 0),
    workingset_activate_anon: count(raw["workingset_activate_anon"] ?? 0),
    workingset_activate_file: count(raw["workingset_activate_file"] ?? 0),
  };
}

/** What "no limit" is. */
const UNLIMITED = 2n ** 64n - 1n;

function count(number: number): bigint {
  return BigInt(Math.max(0, Math.round(number)));
}

/** Nanoseconds as microseconds. */
function micro(nanoseconds: number): bigint {
  return count(nanoseconds / 1000);
}

function limitOf(limit: Limit, unlimited: bigint): bigint {
  return limit === "max" ? unlimited : count(limit);
}

function counters<Name extends string>(
  { raw }: MemoryStats,
  names: readonly Name[],
): Partial<Record<Name, bigint>> {
  const known = names.filter((name) => raw[name] !== undefined);
  const entries = known.map((name) => [name, count(raw[name] ?? 0)]);
  return Object.fromEntries(entries) as Partial<Record<Name, bigint>>;
}

function memoryEntry({ usage, max, failcnt, limit }: MemoryEntry) {
  return {
    usage: count(usage),
    max: count(max),
    failcnt: count(failcnt),
    limit: limitOf(limit, V1_UNLIMITED),
  };
}

/** What a v1 kernel says: all whole pages below 2^63. */
const V1_UNLIMITED = 2n ** 63n - 4096n;

function hugePages({ usage, max, failcnt }: HugetlbStats) {
  return { usage: count(usage), max: count(max), failcnt: count(failcnt) };
}

function blkioEntry({ major, minor, op, value }: BlkioEntry) {
  return { op, major: count(major), minor: count(minor), value: count(value) };
}

/** One entry for each device. */
function ioEntries({ ioServiceBytesRecursive, ioServicedRecursive }: BlkioStats) {
  const devices = new Map<string, Record<string, bigint>>();
  const add = (entries: readonly BlkioEntry[], names: Readonly<Record<string, string>>) => {
    for (const { major, minor, op, value } of entries) {
      const key = `${major}:${minor}`;
      const device = devices.get(key) ?? { major: count(major), minor: count(minor) };
      devices.set(key, device);
      const name = names[op];
      if (name !== undefined) device[name] = count(value);
    }
  };
  add(ioServiceBytesRecursive, { Read: "rbytes", Write: "wbytes" });
  add(ioServicedRecursive, { Read: "rios", Write: "wios" });
  return [...devices.values()];
}

function rdmaMessage({ current, limit }: RdmaStats) {
  return { current: current.map(rdmaEntry), limit: limit.map(rdmaEntry) };
}

function rdmaEntry({ device, hcaHandles, hcaObjects }: RdmaEntry) {
  const number = (limit: Limit) => limit === "max" ? 2 ** 32 - 1 : limit;
  return { device, hcaHandles: number(hcaHandles), hcaObjects: number(hcaObjects) };
}

function networks(interfaces: ContainerStats["networkInterfaces"]) {
  return interfaces.map(({ name, ...counted }) => ({
    name,
    ...Object.fromEntries(Object.entries(counted).map(([key, value]) => [key, count(value)])),
  }));
}

function pressure(psi: Pressure | undefined) {
  if (psi === undefined) return undefined;
  const line = ({ avg10, avg60, avg300, total }: Pressure["some"]) => ({
    avg10,
    avg60,
    avg300,
    total: count(total),
  });
  return { some: line(psi.some), full: line(psi.full) };
}
