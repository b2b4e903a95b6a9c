import { assertEquals, assertThrows } from "@std/assert";
import { hugePageSizeName } from "../../../../../src/cgroups/controllers/huge_pages.ts";
import { applyCpu, cpuStats, sharesToWeight } from "../../../../../src/cgroups/v2/cpu.ts";
import { applyIo, blkioToIoWeight, ioStats } from "../../../../../src/cgroups/v2/io.ts";
import { applyMemory, memoryStats, swapMax } from "../../../../../src/cgroups/v2/memory.ts";
import { pressureStats } from "../../../../../src/cgroups/v2/pressure.ts";
import { applyUnified } from "../../../../../src/cgroups/v2/unified.ts";
import { ContainerError } from "../../../../../src/errors.ts";
import { FakeCgroup } from "../fake_cgroup.ts";

Deno.test("shares become weights on the curve through smallest, default and largest", () => {
  const pairs = [[1, 1], [2, 1], [3, 2], [512, 59], [1024, 100], [2048, 174], [262_144, 10_000]];
  for (const [shares, weight] of pairs) assertEquals(sharesToWeight(shares as number), weight);
});

Deno.test("cpu.max keeps what the config leaves open", () => {
  using fake = new FakeCgroup({ "cpu.max": "20000 50000\n" });
  const after = (quota?: number, period?: number) => {
    applyCpu(fake.folder, { quota, period });
    return fake.read("cpu.max");
  };
  assertEquals(after(undefined, 80_000), "20000 80000");
  assertEquals(after(30_000), "30000 80000");
  assertEquals(after(-1), "max 80000");
  assertEquals(after(1000, 2000), "1000 2000");
});

Deno.test("swap is what remains above memory", () => {
  assertEquals(swapMax(0, 0), undefined);
  assertEquals(swapMax(0, 100), undefined);
  assertEquals(swapMax(0, -1), "max");
  assertEquals(swapMax(-1, 100), "max");
  assertEquals(swapMax(300, 100), "200");
  assertEquals(swapMax(100, 100), "0");
  assertEquals(swapMax(300, -1), "300");
  for (const [swap, limit] of [[300, 0], [50, 100]] as const) {
    const error = assertThrows(() => swapMax(swap, limit), ContainerError);
    assertEquals([error.code, error.pointer], ["ConfigInvalid", "/linux/resources/memory/swap"]);
  }
});

Deno.test("swap alone counts from the limit that stands", () => {
  using fake = new FakeCgroup({ "memory.max": "100\n", "memory.swap.max": "max\n" });
  applyMemory(fake.folder, { swap: 300 });
  assertEquals(fake.read("memory.swap.max"), "200");
});

Deno.test("without swap accounting, no swap and any swap hold already; an amount does not", () => {
  using fake = new FakeCgroup({ "memory.max": "max\n" });
  applyMemory(fake.folder, { limit: 100, swap: 100 });
  applyMemory(fake.folder, { limit: -1 });
  assertEquals(fake.read("memory.max"), "max");
  const error = assertThrows(
    () => applyMemory(fake.folder, { limit: 100, swap: 150 }),
    ContainerError,
  );
  assertEquals([error.code, error.pointer], ["Unsupported", "/linux/resources/memory/swap"]);
});

Deno.test("memory figures are laid out as on v1: swap counts memory too", () => {
  using fake = new FakeCgroup({
    "memory.stat": "file 4096\nkernel 100\nsock 7\n",
    "memory.current": "10000\n",
    "memory.max": "50000\n",
    "memory.peak": "12000\n",
    "memory.events": "low 0\nhigh 0\nmax 4\noom 1\noom_kill 2\n",
    "memory.swap.current": "500\n",
    "memory.swap.max": "1000\n",
  });
  const stats = memoryStats(fake.folder);
  assertEquals(stats?.usage, { usage: 10000, max: 12000, failcnt: 4, limit: 50000 });
  assertEquals(stats?.swap, { usage: 10500, max: 0, failcnt: 0, limit: 51000 });
  assertEquals([stats?.cache, stats?.kernel.usage, stats?.oomKills], [4096, 100, 2]);
  using without = new FakeCgroup();
  assertEquals(memoryStats(without.folder), undefined);
});

Deno.test("cpu figures become nanoseconds", () => {
  using fake = new FakeCgroup({
    "cpu.stat": "usage_usec 12\nuser_usec 8\nsystem_usec 4\nnr_periods 3\nnr_throttled 2\n" +
      "throttled_usec 9\n",
  });
  const stats = cpuStats(fake.folder);
  assertEquals(stats?.usage, {
    total: 12000,
    user: 8000,
    kernel: 4000,
    percpu: [],
    percpuKernel: [],
    percpuUser: [],
  });
  assertEquals(stats?.throttling, { periods: 3, throttledPeriods: 2, throttledTime: 9000 });
});

Deno.test("block weights are converted where BFQ is not there, and 0 lifts a throttle", () => {
  assertEquals([10, 100, 500, 1000].map(blkioToIoWeight), [1, 910, 4950, 10_000]);
  using plain = new FakeCgroup({ "io.weight": "", "io.max": "" });
  applyIo(plain.folder, { weight: 500, throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 0 }] });
  assertEquals([plain.read("io.weight"), plain.read("io.max")], ["4950", "8:0 rbps=max"]);
  using bfq = new FakeCgroup({ "io.bfq.weight": "", "io.max": "" });
  applyIo(bfq.folder, {
    weightDevice: [{ major: 8, minor: 0, weight: 500 }],
    throttleWriteIOPSDevice: [{ major: 8, minor: 0, rate: 12 }],
  });
  assertEquals([bfq.read("io.bfq.weight"), bfq.read("io.max")], ["8:0 500", "8:0 wiops=12"]);
});

Deno.test("io.stat is told in v1's tables", () => {
  using fake = new FakeCgroup({
    "io.stat": "8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0\n254:0 \n",
  });
  const stats = ioStats(fake.folder);
  assertEquals(stats?.ioServiceBytesRecursive, [
    { major: 8, minor: 0, op: "Read", value: 4096 },
    { major: 8, minor: 0, op: "Write", value: 0 },
    { major: 8, minor: 0, op: "Discard", value: 0 },
  ]);
  assertEquals(stats?.ioServicedRecursive[0], { major: 8, minor: 0, op: "Read", value: 1 });
});

Deno.test("pressure is read, and absent where the kernel has none", () => {
  using fake = new FakeCgroup({
    "cpu.pressure": "some avg10=1.50 avg60=0.20 avg300=0.03 total=12345\n" +
      "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
  });
  assertEquals(pressureStats(fake.folder, "cpu.pressure"), {
    some: { avg10: 1.5, avg60: 0.2, avg300: 0.03, total: 12345 },
    full: { avg10: 0, avg60: 0, avg300: 0, total: 0 },
  });
  assertEquals(pressureStats(fake.folder, "io.pressure"), undefined);
});

Deno.test("unified refuses what is no cgroup file, and names a missing controller", () => {
  using fake = new FakeCgroup({ "cgroup.controllers": "cpu memory\n", "memory.high": "max\n" });
  applyUnified(fake.folder, { "memory.high": "1000" });
  assertEquals(fake.read("memory.high"), "1000");
  const fault = (name: string) => {
    const error = assertThrows(() => applyUnified(fake.folder, { [name]: "1" }), ContainerError);
    return [error.code, error.pointer?.slice("/linux/resources/unified/".length)];
  };
  assertEquals(fault("hugetlb.2MB.max"), ["Unsupported", "hugetlb.2MB.max"]);
  assertEquals(fault("memory.nothing"), ["Unsupported", "memory.nothing"]);
  for (const name of ["memory", "../x", "a.b/c", ".hidden", "x."]) {
    assertEquals(fault(name)[0], "ConfigInvalid", name);
  }
});

Deno.test("huge page sizes have the controller's names", () => {
  const names = ["hugepages-64kB", "hugepages-2048kB", "hugepages-1048576kB", "x"];
  assertEquals(names.map(hugePageSizeName), ["64KB", "2MB", "1GB", undefined]);
});
