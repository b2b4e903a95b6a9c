import { assertEquals, assertThrows } from "@std/assert";
import { applyPids } from "../../../../../src/cgroups/controllers/pids.ts";
import { applyRdma, rdmaStats } from "../../../../../src/cgroups/controllers/rdma.ts";
import { applyBlkio, blkioStats } from "../../../../../src/cgroups/v1/blkio.ts";
import { applyCpu, throttlingStats } from "../../../../../src/cgroups/v1/cpu.ts";
import { cpuUsageStats } from "../../../../../src/cgroups/v1/cpuacct.ts";
import { applyHugetlb } from "../../../../../src/cgroups/v1/hugetlb.ts";
import { applyMemory, memoryStats } from "../../../../../src/cgroups/v1/memory.ts";
import { applyNetClass, applyNetPriorities } from "../../../../../src/cgroups/v1/net.ts";
import { ContainerError } from "../../../../../src/errors.ts";
import { FakeCgroup } from "../fake_cgroup.ts";

Deno.test("pids: negative lifts, 0 is a limit, nothing leaves it", () => {
  using fake = new FakeCgroup({ "pids.max": "9" });
  const after = (limit: number | undefined) => {
    applyPids(fake.folder, { limit });
    return fake.read("pids.max");
  };
  assertEquals([after(undefined), after(-1), after(0), after(12)], ["9", "max", "1", "12"]);
});

Deno.test("cpu: 0 leaves shares, quota and period; a negative quota lifts it", () => {
  using fake = new FakeCgroup({
    "cpu.shares": "1024",
    "cpu.cfs_quota_us": "5000",
    "cpu.cfs_period_us": "100000",
  });
  applyCpu(fake.folder, { shares: 0, quota: 0, period: 0 });
  assertEquals(fake.read("cpu.cfs_quota_us"), "5000");
  applyCpu(fake.folder, { shares: 77, quota: -5, period: 50_000 });
  assertEquals(
    ["cpu.shares", "cpu.cfs_quota_us", "cpu.cfs_period_us"].map((name) => fake.read(name)),
    ["77", "-1", "50000"],
  );
});

Deno.test("memory: -1 alone lifts swap too, where the kernel counts it", () => {
  using fake = new FakeCgroup({
    "memory.limit_in_bytes": "1000000",
    "memory.memsw.limit_in_bytes": "2000000",
  });
  applyMemory(fake.folder, { limit: -1 });
  assertEquals(fake.read("memory.memsw.limit_in_bytes"), "-1");
  using without = new FakeCgroup({ "memory.limit_in_bytes": "1000000" });
  applyMemory(without.folder, { limit: -1 });
  assertEquals(without.read("memory.limit_in_bytes"), "-1");
});

Deno.test("memory: checkBeforeUpdate refuses a limit below the usage", () => {
  using fake = new FakeCgroup({
    "memory.limit_in_bytes": "9000000",
    "memory.usage_in_bytes": "5000000",
    "memory.max_usage_in_bytes": "6000000",
  });
  const error = assertThrows(
    () => applyMemory(fake.folder, { limit: 4_000_000, checkBeforeUpdate: true }),
    ContainerError,
  );
  assertEquals([error.code, error.pointer], ["ConfigInvalid", "/linux/resources/memory/limit"]);
  assertEquals(fake.read("memory.limit_in_bytes"), "9000000");
  applyMemory(fake.folder, { limit: 4_000_000 });
  assertEquals(fake.read("memory.limit_in_bytes"), "4000000");
});

Deno.test("memory: kernel limits are ignored, swappiness must be 0 to 100", () => {
  using fake = new FakeCgroup({ "memory.swappiness": "60", "memory.oom_control": "" });
  applyMemory(fake.folder, { kernel: 1, kernelTCP: 1, swappiness: 0, disableOOMKiller: true });
  assertEquals([fake.read("memory.swappiness"), fake.read("memory.oom_control")], ["0", "1"]);
  const error = assertThrows(() => applyMemory(fake.folder, { swappiness: 101 }), ContainerError);
  assertEquals(error.pointer, "/linux/resources/memory/swappiness");
});

Deno.test("memory: the kernel's largest number is no limit", () => {
  using fake = new FakeCgroup({
    "memory.stat": "cache 4096\nrss 8192\ntotal_rss 8192\n",
    "memory.usage_in_bytes": "12288\n",
    "memory.max_usage_in_bytes": "16384\n",
    "memory.failcnt": "3\n",
    "memory.limit_in_bytes": "9223372036854771712\n",
    "memory.kmem.usage_in_bytes": "77\n",
    "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
  });
  const stats = memoryStats(fake.folder);
  assertEquals(stats.usage, { usage: 12288, max: 16384, failcnt: 3, limit: "max" });
  assertEquals(stats.swap, { usage: 0, max: 0, failcnt: 0, limit: "max" });
  assertEquals([stats.cache, stats.kernel.usage, stats.oomKills, stats.raw.rss], [
    4096,
    77,
    2,
    8192,
  ]);
});

Deno.test("cpu figures are nanoseconds", () => {
  using fake = new FakeCgroup({
    "cpuacct.usage": "123456789\n",
    "cpuacct.stat": "user 7\nsystem 5\n",
    "cpuacct.usage_percpu": "100 200 \n",
    "cpuacct.usage_all": "cpu user system\n0 90 10\n1 150 50\n",
    "cpu.stat": "nr_periods 4\nnr_throttled 3\nthrottled_time 555\n",
  });
  assertEquals(cpuUsageStats(fake.folder), {
    total: 123456789,
    user: 70_000_000,
    kernel: 50_000_000,
    percpu: [100, 200],
    percpuUser: [90, 150],
    percpuKernel: [10, 50],
  });
  assertEquals(throttlingStats(fake.folder), {
    periods: 4,
    throttledPeriods: 3,
    throttledTime: 555,
  });
});

Deno.test("blkio: weights go to the scheduler that is there, throttles by device", () => {
  using bfq = new FakeCgroup({
    "blkio.bfq.weight": "100",
    "blkio.bfq.weight_device": "",
    "blkio.throttle.read_bps_device": "",
    "blkio.throttle.write_iops_device": "",
  });
  applyBlkio(bfq.folder, {
    weight: 300,
    weightDevice: [{ major: 8, minor: 0, weight: 500 }],
    throttleReadBpsDevice: [{ major: 8, minor: 16, rate: 1000 }],
    throttleWriteIOPSDevice: [{ major: 8, minor: 16 }],
  });
  assertEquals(
    [
      bfq.read("blkio.bfq.weight"),
      bfq.read("blkio.bfq.weight_device"),
      bfq.read("blkio.throttle.read_bps_device"),
      bfq.read("blkio.throttle.write_iops_device"),
    ],
    ["300", "8:0 500", "8:16 1000", "8:16 0"],
  );
  using cfq = new FakeCgroup({ "blkio.weight": "", "blkio.leaf_weight": "" });
  applyBlkio(cfq.folder, { weight: 300, leafWeight: 20 });
  assertEquals([cfq.read("blkio.weight"), cfq.read("blkio.leaf_weight")], ["300", "20"]);
});

Deno.test("blkio: the counters of the best source, without the total", () => {
  using fake = new FakeCgroup({
    "blkio.throttle.io_serviced_recursive": "8:0 Read 2\n8:0 Total 2\nTotal 2\n",
    "blkio.throttle.io_service_bytes_recursive": "8:0 Read 4096\nTotal 4096\n",
    "blkio.throttle.io_serviced": "8:0 Read 1\n",
  });
  const stats = blkioStats(fake.folder);
  assertEquals(stats.ioServicedRecursive, [
    { major: 8, minor: 0, op: "Read", value: 2 },
    { major: 8, minor: 0, op: "Total", value: 2 },
  ]);
  assertEquals(stats.ioServiceBytesRecursive[0]?.value, 4096);
  assertEquals(stats.sectorsRecursive, []);
});

Deno.test("hugetlb: used and, where there are such, reserved pages", () => {
  using fake = new FakeCgroup({
    "hugetlb.2MB.limit_in_bytes": "",
    "hugetlb.2MB.rsvd.limit_in_bytes": "",
    "hugetlb.1GB.limit_in_bytes": "",
  });
  applyHugetlb(fake.folder, [{ pageSize: "2MB", limit: 4194304 }, { pageSize: "1GB", limit: 0 }]);
  assertEquals(
    [
      fake.read("hugetlb.2MB.limit_in_bytes"),
      fake.read("hugetlb.2MB.rsvd.limit_in_bytes"),
      fake.read("hugetlb.1GB.limit_in_bytes"),
    ],
    ["4194304", "4194304", "0"],
  );
  const error = assertThrows(
    () => applyHugetlb(fake.folder, [{ pageSize: "3MB", limit: 1 }]),
    ContainerError,
  );
  assertEquals([error.code, error.pointer], ["Unsupported", "/linux/resources/hugepageLimits/0"]);
});

Deno.test("net: class and priorities", () => {
  using fake = new FakeCgroup({ "net_cls.classid": "0", "net_prio.ifpriomap": "" });
  applyNetClass(fake.folder, { classID: 0x100001 });
  applyNetPriorities(fake.folder, { priorities: [{ name: "eth0", priority: 5 }] });
  assertEquals(fake.read("net_cls.classid"), "1048577");
  assertEquals(fake.read("net_prio.ifpriomap"), "eth0 5");
});

Deno.test("rdma: limits by device, and figures where max is no limit", () => {
  using fake = new FakeCgroup({ "rdma.max": "mlx4_0 hca_handle=3 hca_object=max\n" });
  assertEquals(rdmaStats(fake.folder), undefined);
  applyRdma(fake.folder, { mlx5_1: { hcaHandles: 3, hcaObjects: 100 } });
  assertEquals(fake.read("rdma.max"), "mlx5_1 hca_handle=3 hca_object=100");
  using used = new FakeCgroup({
    "rdma.current": "mlx4_0 hca_handle=1 hca_object=20\n",
    "rdma.max": "mlx4_0 hca_handle=3 hca_object=max\n",
  });
  assertEquals(rdmaStats(used.folder), {
    current: [{ device: "mlx4_0", hcaHandles: 1, hcaObjects: 20 }],
    limit: [{ device: "mlx4_0", hcaHandles: 3, hcaObjects: "max" }],
  });
});
