import { assertEquals } from "@std/assert";
import type { ContainerStats } from "../../../../../src/events.ts";
import { decode } from "../../../../../src/protobuf/message.ts";
import { V1_METRICS, V2_METRICS } from "../../../../../src/shim/messages/metrics.ts";
import { statsMessage } from "../../../../../src/shim/task/stats.ts";

const ENTRY = { usage: 5, max: 6, failcnt: 7, limit: "max" } as const;
const STATS: ContainerStats = {
  cpu: {
    usage: {
      total: 9_000,
      kernel: 4_000,
      user: 5_000,
      percpu: [1, 2],
      percpuKernel: [],
      percpuUser: [],
    },
    throttling: { periods: 1, throttledPeriods: 2, throttledTime: 3_000 },
    psi: undefined,
  },
  cpuset: undefined,
  memory: {
    cache: 1,
    usage: { ...ENTRY, limit: 100 },
    swap: { ...ENTRY, usage: 8, limit: 150 },
    kernel: ENTRY,
    kernelTCP: ENTRY,
    raw: { cache: 1, rss: 2, total_unevictable: 3, anon: 4, file: 5, thp_collapse_alloc: 6 },
    oomKills: 2,
    psi: undefined,
  },
  pids: { current: 3, limit: "max" },
  blkio: {
    ioServiceBytesRecursive: [{ major: 8, minor: 0, op: "Read", value: 10 }],
    ioServicedRecursive: [{ major: 8, minor: 0, op: "Write", value: 2 }],
    ioQueueRecursive: [],
    ioServiceTimeRecursive: [],
    ioWaitTimeRecursive: [],
    ioMergedRecursive: [],
    ioTimeRecursive: [],
    sectorsRecursive: [],
    psi: undefined,
  },
  hugetlb: { "2MB": { usage: 1, max: 2, failcnt: 3 } },
  rdma: undefined,
  networkInterfaces: [],
};

Deno.test("stats of cgroup v1 have the fields that containerd's monitors read", () => {
  const { typeUrl, value } = statsMessage(STATS, 1);
  assertEquals(typeUrl, "io.containerd.cgroups.v1.Metrics");
  const { cpu, memory, pids, blkio, hugetlb, memoryOomControl } = decode(
    V1_METRICS,
    value as Uint8Array<ArrayBuffer>,
  );
  assertEquals(cpu?.usage, { total: 9000n, kernel: 4000n, user: 5000n, perCpu: [1n, 2n] });
  assertEquals(memory?.usage, { limit: 100n, usage: 5n, max: 6n, failcnt: 7n });
  assertEquals(memory?.kernel?.limit, 9223372036854771712n);
  assertEquals([memory?.rss, memory?.total_unevictable], [2n, 3n]);
  assertEquals(pids, { current: 3n, limit: 0n });
  assertEquals(blkio?.ioServiceBytesRecursive.map(({ op, value }) => [op, value]), [["Read", 10n]]);
  assertEquals(hugetlb, [{ usage: 1n, max: 2n, failcnt: 3n, pagesize: "2MB" }]);
  assertEquals(memoryOomControl?.oomKill, 2n);
});

Deno.test("stats of cgroup v2 count microseconds, and swap alone", () => {
  const { typeUrl, value } = statsMessage(STATS, 2);
  assertEquals(typeUrl, "io.containerd.cgroups.v2.Metrics");
  const { cpu, memory, io, memoryEvents } = decode(V2_METRICS, value as Uint8Array<ArrayBuffer>);
  assertEquals([cpu?.usageUsec, cpu?.throttledUsec, cpu?.nrPeriods], [9n, 3n, 1n]);
  assertEquals(
    [memory?.usage, memory?.usageLimit, memory?.swapUsage, memory?.swapLimit],
    [5n, 100n, 3n, 50n],
  );
  assertEquals([memory?.anon, memory?.thp_collapse_alloc], [4n, 6n]);
  assertEquals(io?.usage, [{ major: 8n, minor: 0n, rbytes: 10n, wbytes: 0n, rios: 0n, wios: 2n }]);
  assertEquals(memoryEvents?.oomKill, 2n);
});
