import { assertEquals, assertStringIncludes } from "@std/assert";
import { changed, faultsOf } from "./faults.ts";

const BASE = "/linux/resources";

/** Where below resources a value is put, the value, what is said, where if not there. */
const BAD: [put: string, value: unknown, says: string, at?: string][] = [
  ["/devices", [{ access: "r" }], "is required", "/devices/0/allow"],
  ["/devices", [{ allow: true, type: "p" }], "one of a, c, b", "/devices/0/type"],
  ["/devices", [{ allow: true, access: "rx" }], "letters of rwm", "/devices/0/access"],
  ["/devices", [{ allow: true, access: "" }], "letters of rwm", "/devices/0/access"],
  ["/devices", [{ allow: true, major: -2 }], "from -1", "/devices/0/major"],
  ["/memory", 1, "must be an object"],
  ["/memory/limit", -2, "from -1"],
  ["/memory/limit", "512m", "an integer"],
  ["/memory/swappiness", 101, "from 0 to 100"],
  ["/memory/disableOOMKiller", 1, "true or false"],
  ["/memory", { limit: 100, swap: 99 }, "not below limit: 99 < 100", "/memory/swap"],
  ["/memory", { limit: -1, swap: 99 }, "unlimited", "/memory/swap"],
  ["/cpu/quota", 999, "1000 µs or more"],
  ["/cpu/period", 999, "1000 to 1000000"],
  ["/cpu/period", 1_000_001, "1000 to 1000000"],
  ["/cpu/shares", 2 ** 53, "JSON rounds"],
  ["/cpu", { quota: 1000, burst: 1001 }, "above quota", "/cpu/burst"],
  ["/cpu", { realtimePeriod: 5, realtimeRuntime: 6 }, "realtimePeriod", "/cpu/realtimeRuntime"],
  ["/cpu/cpus", "0-", "a list of CPUs"],
  ["/cpu/mems", "all", "a list of memory nodes"],
  ["/cpu/idle", 2, "from 0 to 1"],
  ["/pids/limit", 1.5, "an integer"],
  ["/blockIO/weight", 9, "from 10 to 1000"],
  ["/blockIO/leafWeight", 1001, "from 10 to 1000"],
  [
    "/blockIO/weightDevice",
    [{ major: 8, minor: 0 }],
    "weight or leafWeight",
    "/blockIO/weightDevice/0",
  ],
  [
    "/blockIO/throttleReadBpsDevice",
    [{ major: 8, minor: 0 }],
    "is required",
    "/blockIO/throttleReadBpsDevice/0/rate",
  ],
  [
    "/blockIO/throttleWriteIOPSDevice",
    [{ major: 8, minor: 0, rate: 2 ** 53 }],
    "JSON rounds",
    "/blockIO/throttleWriteIOPSDevice/0/rate",
  ],
  [
    "/blockIO/throttleReadIOPSDevice",
    [{ minor: 0, rate: 1 }],
    "is required",
    "/blockIO/throttleReadIOPSDevice/0/major",
  ],
  ["/hugepageLimits", [{ pageSize: "2mB", limit: 0 }], "64KB", "/hugepageLimits/0/pageSize"],
  ["/hugepageLimits", [{ pageSize: "2MB" }], "is required", "/hugepageLimits/0/limit"],
  ["/hugepageLimits", [{ pageSize: "2MB", limit: -1 }], "from 0", "/hugepageLimits/0/limit"],
  ["/network/classID", -1, "from 0"],
  ["/network/priorities", [{ name: "eth0" }], "is required", "/network/priorities/0/priority"],
  [
    "/network/priorities",
    [{ name: "a b", priority: 1 }],
    "interface name",
    "/network/priorities/0/name",
  ],
  ["/rdma", { mlx: {} }, "hcaHandles or hcaObjects", "/rdma/mlx"],
  ["/rdma", { mlx: { hcaHandles: -1 } }, "from 0", "/rdma/mlx/hcaHandles"],
  ["/unified", { "../memory.max": "1" }, "without a slash", "/unified/..~1memory.max"],
  ["/unified", { "memory.max/x": "1" }, "without a slash", "/unified/memory.max~1x"],
  ["/unified", { "..": "1" }, "cgroup file", "/unified/.."],
  ["/unified", { memory: "1" }, "cgroup file", "/unified/memory"],
  ["/unified", { "memory.max": 1 }, "a string", "/unified/memory.max"],
];

const GOOD: [put: string, value: unknown][] = [
  ["/devices", [{ allow: false, access: "rwm" }, { allow: true, type: "a", major: -1 }]],
  ["/memory", { limit: -1, swap: -1, reservation: 1, kernel: -1, kernelTCP: -1, swappiness: 0 }],
  ["/memory", { limit: 100, swap: 100 }],
  ["/memory/limit", JSON.parse("9223372036854771712")],
  ["/cpu", { shares: 1024, quota: -1, period: 0, burst: 5000, cpus: "0-1,3", mems: "", idle: 1 }],
  ["/pids/limit", 0],
  ["/pids/limit", -1],
  ["/blockIO", { weight: 0, weightDevice: [{ major: 8, minor: 0, leafWeight: 10 }] }],
  ["/blockIO/throttleWriteBpsDevice", [{ major: 8, minor: 0, rate: 0 }]],
  ["/hugepageLimits", JSON.parse('[{"pageSize":"1GB","limit":18446744073709551615}]')],
  ["/network", { classID: 0x10_0001, priorities: [{ name: "eth0", priority: 0 }] }],
  ["/rdma", { mlx5_1: { hcaObjects: 1 } }],
  ["/unified", { "memory.high": "max", "hugetlb.2MB.max": "0", "io.bfq.weight": "10" }],
];

Deno.test("resources: what is refused, and where", async (t) => {
  for (const [put, value, says, at = put] of BAD) {
    await t.step(`${put} = ${JSON.stringify(value)}`, () => {
      const faults = faultsOf(changed(`${BASE}${put}`, value));
      assertEquals(faults.map((fault) => fault.pointer), [`${BASE}${at}`]);
      assertStringIncludes(faults[0]?.message ?? "", says);
    });
  }
});

Deno.test("resources: what is allowed", async (t) => {
  for (const [put, value] of GOOD) {
    await t.step(`${put} = ${JSON.stringify(value)}`, () => {
      assertEquals(faultsOf(changed(`${BASE}${put}`, value)), []);
    });
  }
});
