import { assertEquals, assertStringIncludes } from "@std/assert";
import { eventLine } from "../../../../../src/cli/output/stats_json.ts";
import type { ContainerStats } from "../../../../../src/events.ts";

const ENTRY = { usage: 1, max: 0, failcnt: 0, limit: "max" } as const;
const STATS: ContainerStats = {
  cpu: {
    usage: { total: 5, kernel: 2, user: 3, percpu: [], percpuKernel: [], percpuUser: [] },
    throttling: { periods: 0, throttledPeriods: 0, throttledTime: 0 },
    psi: undefined,
  },
  cpuset: { cpus: "0-2,7", mems: "" },
  memory: {
    cache: 0,
    usage: { ...ENTRY, limit: 4096 },
    swap: ENTRY,
    kernel: ENTRY,
    kernelTCP: ENTRY,
    raw: { b: 2, a: 2 ** 63 },
    oomKills: 0,
    psi: undefined,
  },
  pids: { current: 3, limit: "max" },
  blkio: {
    ioServiceBytesRecursive: [{ major: 8, minor: 0, op: "Read", value: 0 }],
    ioServicedRecursive: [],
    ioQueueRecursive: [],
    ioServiceTimeRecursive: [],
    ioWaitTimeRecursive: [],
    ioMergedRecursive: [],
    ioTimeRecursive: [],
    sectorsRecursive: [],
    psi: undefined,
  },
  hugetlb: { "2MB": { usage: 0, max: 0, failcnt: 1 } },
  rdma: undefined,
  networkInterfaces: [],
};

Deno.test("stats become runc's JSON: zeros left out, no limit in the digits of the version", () => {
  const line = eventLine({ type: "stats", id: "web", data: STATS }, 2, undefined);
  assertStringIncludes(line, '"swap":{"limit":18446744073709551615,"usage":1,"failcnt":0}');
  assertStringIncludes(line, '"raw":{"a":18446744073709551615,"b":2}');
  assertStringIncludes(line, '"usage":{"limit":4096,');
  const { data } = JSON.parse(line);
  assertEquals(data.cpu, { usage: { total: 5, kernel: 2, user: 3 }, throttling: {} });
  assertEquals(data.pids, { current: 3 });
  assertEquals(data.cpuset.cpus, [0, 1, 2, 7]);
  assertEquals(data.blkio, { ioServiceBytesRecursive: [{ major: 8, op: "Read" }] });
  assertEquals(data.hugetlb, { "2MB": { failcnt: 1 } });
  assertEquals([data.intel_rdt, data.network_interfaces], [{}, null]);
  assertStringIncludes(
    eventLine({ type: "stats", id: "web", data: STATS }, 1, undefined),
    '"swap":{"limit":9223372036854771712,',
  );
});

Deno.test("an interface's counters have the names of runc's Go type", () => {
  const counters = { rxBytes: 1, rxPackets: 2, rxErrors: 0, rxDropped: 3 };
  const more = { txBytes: 4, txPackets: 5, txErrors: 0, txDropped: 6 };
  const data = { ...STATS, networkInterfaces: [{ name: "veth0", ...counters, ...more }] };
  const line = eventLine({ type: "stats", id: "web", data }, 1, undefined);
  assertEquals(JSON.parse(line).data.network_interfaces, [{
    ...{ Name: "veth0", RxBytes: 1, RxPackets: 2, RxErrors: 0, RxDropped: 3 },
    ...{ TxBytes: 4, TxPackets: 5, TxErrors: 0, TxDropped: 6 },
  }]);
});

Deno.test("an OOM is its own event", () => {
  assertEquals(eventLine({ type: "oom", id: "web" }, 1, undefined), '{"type":"oom","id":"web"}\n');
});
