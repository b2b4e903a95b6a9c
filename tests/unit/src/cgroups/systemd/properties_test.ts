import { assertEquals, assertThrows } from "@std/assert";
import type { Resources } from "../../../../../src/config/types/config.ts";
import { deviceProperties } from "../../../../../src/cgroups/systemd/device_properties.ts";
import { propertiesV1 } from "../../../../../src/cgroups/systemd/properties_v1.ts";
import { propertiesV2 } from "../../../../../src/cgroups/systemd/properties_v2.ts";
import type { Property } from "../../../../../src/cgroups/systemd/property.ts";
import { ContainerError } from "../../../../../src/errors.ts";

const INFINITY = "18446744073709551615";

/** Each property as `busctl` would be given it: `NAME TYPE VALUE`. */
function lines(properties: readonly Property[]): string[] {
  return properties.map(([name, { signature, value }]) => `${name} ${signature} ${shown(value)}`);
}

function shown(value: unknown): string {
  if (value instanceof Uint8Array) return value.toHex();
  return Array.isArray(value) ? `(${value.map(shown).join(" ")})` : String(value);
}

Deno.test("the limits of a config are properties of the unit, on v2", () => {
  const cases: [Resources, string[]][] = [
    [{}, []],
    [{ memory: { limit: 1 << 20, reservation: 4096, swap: 3 << 20 } }, [
      "MemoryMax t 1048576",
      "MemoryLow t 4096",
      "MemorySwapMax t 2097152",
    ]],
    [{ memory: { limit: -1 } }, [`MemoryMax t ${INFINITY}`, `MemorySwapMax t ${INFINITY}`]],
    [{ memory: { limit: 1 << 20, swap: 1 << 20 } }, ["MemoryMax t 1048576", "MemorySwapMax t 0"]],
    [{ memory: { limit: 0, swap: 1 << 20 } }, []],
    [{ cpu: { shares: 1024 } }, ["CPUWeight t 100"]],
    [{ cpu: { shares: 1024, idle: 1 } }, ["CPUWeight t 0"]],
    [{ cpu: { idle: 0 } }, [`CPUWeight t ${INFINITY}`]],
    [{ cpu: { quota: 50_000 } }, ["CPUQuotaPerSecUSec t 500000"]],
    [{ cpu: { quota: 12_345, period: 100_000 } }, [
      "CPUQuotaPeriodUSec t 100000",
      "CPUQuotaPerSecUSec t 130000",
    ]],
    [{ cpu: { quota: 150_000, period: 50_000 } }, [
      "CPUQuotaPeriodUSec t 50000",
      "CPUQuotaPerSecUSec t 3000000",
    ]],
    [{ cpu: { quota: -1 } }, [`CPUQuotaPerSecUSec t ${INFINITY}`]],
    [{ cpu: { period: 20_000 } }, [
      "CPUQuotaPeriodUSec t 20000",
      `CPUQuotaPerSecUSec t ${INFINITY}`,
    ]],
    [{ cpu: { cpus: "0-1,9", mems: "0" } }, ["AllowedCPUs ay 0302", "AllowedMemoryNodes ay 01"]],
    [{ cpu: { cpus: "" } }, []],
    [{ pids: { limit: 7 } }, ["TasksMax t 7"]],
    [{ pids: { limit: -1 } }, [`TasksMax t ${INFINITY}`]],
    [{ pids: { limit: 0 } }, ["TasksMax t 1"]],
    [
      {
        blockIO: {
          weight: 500,
          weightDevice: [{ major: 8, minor: 0, weight: 10 }],
          throttleReadBpsDevice: [{ major: 8, minor: 16, rate: 1000 }],
          throttleWriteIOPSDevice: [{ major: 8, minor: 16, rate: 0 }],
        },
      },
      [
        "IOWeight t 4950",
        "IODeviceWeight a(st) ((/dev/block/8:0 1))",
        "IOReadBandwidthMax a(st) ((/dev/block/8:16 1000))",
        `IOWriteIOPSMax a(st) ((/dev/block/8:16 ${INFINITY}))`,
      ],
    ],
  ];
  for (const [resources, wanted] of cases) {
    assertEquals(lines(propertiesV2(resources)), wanted, JSON.stringify(resources));
  }
});

Deno.test("an older systemd is not asked for an idle unit", () => {
  assertEquals(lines(propertiesV2({ cpu: { shares: 2, idle: 1 } }, false)), ["CPUWeight t 1"]);
  assertEquals(propertiesV2({ cpu: { idle: 0 }, unified: { "cpu.idle": "1" } }, false), []);
});

Deno.test("swap below the limit of memory is refused by its field", () => {
  const error = assertThrows(
    () => propertiesV2({ memory: { limit: 2 << 20, swap: 1 << 20 } }),
    ContainerError,
  );
  assertEquals(error.pointer, "/linux/resources/memory/swap");
});

Deno.test("files of v2 that systemd has properties for are properties, the others are not", () => {
  const cases: [string, string, string[]][] = [
    ["memory.max", "1048576\n", ["MemoryMax t 1048576"]],
    ["memory.high", "max", [`MemoryHigh t ${INFINITY}`]],
    ["memory.low", "4k", ["MemoryLow t 4096"]],
    ["memory.min", "1G", ["MemoryMin t 1073741824"]],
    ["memory.swap.max", "0", ["MemorySwapMax t 0"]],
    ["pids.max", "5", ["TasksMax t 5"]],
    ["cpu.weight", "200", ["CPUWeight t 200"]],
    ["io.weight", "default 50", ["IOWeight t 50"]],
    ["io.weight", "8:0 50", []],
    ["cpu.idle", "1", ["CPUWeight t 0"]],
    ["cpu.max", "max", [`CPUQuotaPerSecUSec t ${INFINITY}`]],
    ["cpu.max", "10000 20000", ["CPUQuotaPeriodUSec t 20000", "CPUQuotaPerSecUSec t 500000"]],
    ["cpu.max", "10000", ["CPUQuotaPerSecUSec t 100000"]],
    ["cpuset.cpus", "3", ["AllowedCPUs ay 08"]],
    ["cpuset.mems", "0-1", ["AllowedMemoryNodes ay 03"]],
    ["memory.oom.group", "1", []],
    ["pids.max", "many", []],
    ["cpu.max", "a b c", []],
    ["memory.max", "99999999999999999999E", []],
  ];
  for (const [name, value, wanted] of cases) {
    assertEquals(lines(propertiesV2({ unified: { [name]: value } })), wanted, `${name}=${value}`);
  }
  const both = { pids: { limit: 3 }, unified: { "pids.max": "5" } };
  assertEquals(lines(propertiesV2(both)), ["TasksMax t 3", "TasksMax t 5"]);
});

Deno.test("the limits of a config are properties of the unit, on v1", () => {
  const resources: Resources = {
    memory: { limit: 1 << 20, reservation: 4096, swap: 2 << 20 },
    cpu: { shares: 512, quota: 20_000, period: 100_000, cpus: "0", idle: 1 },
    pids: { limit: 9 },
    blockIO: {
      weight: 300,
      throttleWriteBpsDevice: [{ major: 8, minor: 0, rate: 5 }],
      throttleReadIOPSDevice: [{ major: 8, minor: 0, rate: 5 }],
    },
  };
  assertEquals(lines(propertiesV1(resources)), [
    "MemoryLimit t 1048576",
    "CPUShares t 512",
    "CPUQuotaPeriodUSec t 100000",
    "CPUQuotaPerSecUSec t 200000",
    "AllowedCPUs ay 01",
    "TasksMax t 9",
    "BlockIOWeight t 300",
    "BlockIOWriteBandwidth a(st) ((/dev/block/8:0 5))",
  ]);
});

const USUAL =
  "(char-* m) (block-* m) (/dev/char/1:3 rwm) (/dev/char/1:5 rwm) (/dev/char/1:7 rwm) " +
  "(/dev/char/1:8 rwm) (/dev/char/1:9 rwm) (/dev/char/5:0 rwm) (/dev/char/5:2 rwm) " +
  "(/dev/char/10:200 rwm) (char-136 rwm)";

Deno.test("systemd allows the devices that hull allows", () => {
  const words = (line = "") => line.match(/\([^()]*\)/g)?.sort() ?? [];
  const [policy, empty, allowed] = lines(deviceProperties([
    { allow: false, access: "rwm" },
    { allow: true, type: "b", major: 8, minor: 1, access: "r" },
    { allow: true, type: "c", major: 195, access: "rw" },
  ], 2));
  assertEquals([policy, empty], ["DevicePolicy s strict", "DeviceAllow a(ss) ()"]);
  const wanted = [...words(USUAL), "(/dev/block/8:1 r)", "(char-195 rw)"].sort();
  assertEquals(words(allowed?.replace(/^DeviceAllow a\(ss\) /, "").slice(1, -1)), wanted);
});

Deno.test("where all devices are allowed, so are they by systemd; on v1 only without exceptions", () => {
  const open = ["DevicePolicy s auto", "DeviceAllow a(ss) ()"];
  const closed = ["DevicePolicy s strict", "DeviceAllow a(ss) ()"];
  const all = { allow: true, access: "rwm" } as const;
  const but = { allow: false, type: "c", major: 10, minor: 5, access: "rwm" } as const;
  assertEquals(lines(deviceProperties([all], 1)), open);
  assertEquals(lines(deviceProperties([all], 2)), open);
  assertEquals(lines(deviceProperties([all, but], 2)), open);
  assertEquals(lines(deviceProperties([all, but], 1)), closed);
});
