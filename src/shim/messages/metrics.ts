/**
 * What a container uses, as containerd's monitors read it.
 *
 * Source: containerd's cgroups: cgroup1/stats/metrics.proto and cgroup2/stats/metrics.proto.
 *
 * @module
 */

import { table } from "../../protobuf/message.ts";

const MEMORY_ENTRY = table({
  limit: [1, "uint64"],
  usage: [2, "uint64"],
  max: [3, "uint64"],
  failcnt: [4, "uint64"],
});
const BLKIO_ENTRY = table({
  op: [1, "string"],
  device: [2, "string"],
  major: [3, "uint64"],
  minor: [4, "uint64"],
  value: [5, "uint64"],
});
const RDMA_ENTRY = table({
  device: [1, "string"],
  hcaHandles: [2, "uint32"],
  hcaObjects: [3, "uint32"],
});
const RDMA = table({ current: [1, [RDMA_ENTRY]], limit: [2, [RDMA_ENTRY]] });
const PIDS = table({ current: [1, "uint64"], limit: [2, "uint64"] });
const NETWORK = table({
  name: [1, "string"],
  rxBytes: [2, "uint64"],
  rxPackets: [3, "uint64"],
  rxErrors: [4, "uint64"],
  rxDropped: [5, "uint64"],
  txBytes: [6, "uint64"],
  txPackets: [7, "uint64"],
  txErrors: [8, "uint64"],
  txDropped: [9, "uint64"],
});

/** The counters of memory.stat, in the order of their numbers from 1 on. */
export const V1_MEMORY = [
  "cache",
  "rss",
  "rss_huge",
  "mapped_file",
  "dirty",
  "writeback",
  "pgpgin",
  "pgpgout",
  "pgfault",
  "pgmajfault",
  "inactive_anon",
  "active_anon",
  "inactive_file",
  "active_file",
  "unevictable",
  "hierarchical_memory_limit",
  "hierarchical_memsw_limit",
  "total_cache",
  "total_rss",
  "total_rss_huge",
  "total_mapped_file",
  "total_dirty",
  "total_writeback",
  "total_pgpgin",
  "total_pgpgout",
  "total_pgfault",
  "total_pgmajfault",
  "total_inactive_anon",
  "total_active_anon",
  "total_inactive_file",
  "total_active_file",
  "total_unevictable",
] as const;

/** Of cgroup v1. */
export const V1_TYPE = "io.containerd.cgroups.v1.Metrics";
/** Of cgroup v1. */
export const V1_METRICS = table({
  hugetlb: [1, [table({
    usage: [1, "uint64"],
    max: [2, "uint64"],
    failcnt: [3, "uint64"],
    pagesize: [4, "string"],
  })]],
  pids: [2, PIDS],
  cpu: [3, {
    usage: [1, {
      total: [1, "uint64"],
      kernel: [2, "uint64"],
      user: [3, "uint64"],
      perCpu: [4, "uint64[]"],
    }],
    throttling: [2, {
      periods: [1, "uint64"],
      throttledPeriods: [2, "uint64"],
      throttledTime: [3, "uint64"],
    }],
  }],
  memory: [4, {
    ...numbered(V1_MEMORY),
    usage: [33, MEMORY_ENTRY],
    swap: [34, MEMORY_ENTRY],
    kernel: [35, MEMORY_ENTRY],
    kernelTcp: [36, MEMORY_ENTRY],
  }],
  blkio: [5, {
    ioServiceBytesRecursive: [1, [BLKIO_ENTRY]],
    ioServicedRecursive: [2, [BLKIO_ENTRY]],
    ioQueueRecursive: [3, [BLKIO_ENTRY]],
    ioServiceTimeRecursive: [4, [BLKIO_ENTRY]],
    ioWaitTimeRecursive: [5, [BLKIO_ENTRY]],
    ioMergedRecursive: [6, [BLKIO_ENTRY]],
    ioTimeRecursive: [7, [BLKIO_ENTRY]],
    sectorsRecursive: [8, [BLKIO_ENTRY]],
  }],
  rdma: [6, RDMA],
  network: [7, [NETWORK]],
  memoryOomControl: [9, {
    oomKillDisable: [1, "uint64"],
    underOom: [2, "uint64"],
    oomKill: [3, "uint64"],
  }],
});

/** The counters of memory.stat, in the order of their numbers from 1 on. */
export const V2_MEMORY = [
  "anon",
  "file",
  "kernel_stack",
  "slab",
  "sock",
  "shmem",
  "file_mapped",
  "file_dirty",
  "file_writeback",
  "anon_thp",
  "inactive_anon",
  "active_anon",
  "inactive_file",
  "active_file",
  "unevictable",
  "slab_reclaimable",
  "slab_unreclaimable",
  "pgfault",
  "pgmajfault",
  "workingset_refault",
  "workingset_activate",
  "workingset_nodereclaim",
  "pgrefill",
  "pgscan",
  "pgsteal",
  "pgactivate",
  "pgdeactivate",
  "pglazyfree",
  "pglazyfreed",
  "thp_fault_alloc",
  "thp_collapse_alloc",
] as const;

const PSI_DATA = table({
  avg10: [1, "double"],
  avg60: [2, "double"],
  avg300: [3, "double"],
  total: [4, "uint64"],
});
const PSI = table({ some: [1, PSI_DATA], full: [2, PSI_DATA] });

/** Of cgroup v2. */
export const V2_TYPE = "io.containerd.cgroups.v2.Metrics";
/** Of cgroup v2. */
export const V2_METRICS = table({
  pids: [1, PIDS],
  cpu: [2, {
    usageUsec: [1, "uint64"],
    userUsec: [2, "uint64"],
    systemUsec: [3, "uint64"],
    nrPeriods: [4, "uint64"],
    nrThrottled: [5, "uint64"],
    throttledUsec: [6, "uint64"],
    psi: [7, PSI],
  }],
  memory: [4, {
    ...numbered(V2_MEMORY),
    usage: [32, "uint64"],
    usageLimit: [33, "uint64"],
    swapUsage: [34, "uint64"],
    swapLimit: [35, "uint64"],
    maxUsage: [36, "uint64"],
    swapMaxUsage: [37, "uint64"],
    psi: [38, PSI],
    workingset_refault_anon: [39, "uint64"],
    workingset_refault_file: [40, "uint64"],
    workingset_activate_anon: [41, "uint64"],
    workingset_activate_file: [42, "uint64"],
  }],
  rdma: [5, RDMA],
  io: [6, {
    usage: [1, [table({
      major: [1, "uint64"],
      minor: [2, "uint64"],
      rbytes: [3, "uint64"],
      wbytes: [4, "uint64"],
      rios: [5, "uint64"],
      wios: [6, "uint64"],
    })]],
    psi: [2, PSI],
  }],
  hugetlb: [7, [table({
    current: [1, "uint64"],
    max: [2, "uint64"],
    pagesize: [3, "string"],
    failcnt: [4, "uint64"],
  })]],
  memoryEvents: [8, { oomKill: [5, "uint64"] }],
  network: [9, [NETWORK]],
});

function numbered<Name extends string>(
  names: readonly Name[],
): Record<Name, readonly [number, "uint64"]> {
  return Object.fromEntries(names.map((name, k) => [name, [k + 1, "uint64"] as const])) as Record<
    Name,
    readonly [number, "uint64"]
  >;
}
