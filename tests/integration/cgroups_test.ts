/**
 * Cgroups on the real kernel, whichever version this host has: folders, limits, figures, errors.
 *
 * Each test makes cgroups of its own, named hull-test-…, and removes them. Needs root.
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { loadCgroupManager, newCgroupManager } from "../../src/cgroups/choice/make_manager.ts";
import type { Resources } from "../../src/config/types/config.ts";
import {
  faultOf,
  host,
  Inside,
  isV1,
  MIB,
  refusalOf,
  TestCgroup,
  unifiedMount,
} from "../fixtures/test_cgroup.ts";
import { openedSince, openFds } from "../fixtures/open_fds.ts";
import { until } from "../fixtures/until.ts";
import { testWhere } from "../fixtures/test_where.ts";

Deno.test("create makes every folder, again without harm, and destroy leaves none", async () => {
  await using cgroup = new TestCgroup();
  const { manager } = cgroup;
  manager.create();
  for (const folder of Object.values(manager.paths)) assert(Deno.statSync(folder).isDirectory);
  assert(manager.exists());
  await manager.destroy();
  for (const folder of Object.values(manager.paths)) {
    assertThrows(() => Deno.statSync(folder), Deno.errors.NotFound);
  }
  assert(!manager.exists());
  assertEquals(manager.freezerState(), "absent");
  await manager.destroy();
});

Deno.test("a create that fails leaves nothing behind", () => {
  const first = `hull-test-${crypto.randomUUID()}`;
  const manager = newCgroupManager({
    host,
    cgroupsPath: `${first}/no\nline`, // the kernel takes no newline
    id: "unused",
    driver: "cgroupfs",
  });
  const error = faultOf(() => manager.create());
  assertEquals([error.code, error.step, error.errno], ["SystemError", "cgroups", "EINVAL"]);
  for (const folder of Object.values(manager.paths)) {
    const parent = folder.slice(0, folder.lastIndexOf("/"));
    assertThrows(() => Deno.statSync(parent), Deno.errors.NotFound);
  }
});

Deno.test("limits stand in the kernel's files", async () => {
  await using cgroup = new TestCgroup();
  await cgroup.manager.apply({
    memory: { limit: 64 * MIB, reservation: 32 * MIB },
    cpu: { shares: 512, quota: 50_000, period: 100_000, cpus: "0", mems: "0" },
    pids: { limit: 17 },
  });
  const read = (controller: string, v1: string, v2: string) =>
    cgroup.read(controller, isV1 ? v1 : v2);
  assertEquals(read("memory", "memory.limit_in_bytes", "memory.max"), String(64 * MIB));
  assertEquals(read("memory", "memory.soft_limit_in_bytes", "memory.low"), String(32 * MIB));
  assertEquals(read("pids", "pids.max", "pids.max"), "17");
  assertEquals(read("cpuset", "cpuset.cpus", "cpuset.cpus"), "0");
  assertEquals(read("cpu", "cpu.shares", "cpu.weight"), isV1 ? "512" : "59");
  if (isV1) assertEquals(cgroup.read("cpu", "cpu.cfs_quota_us"), "50000");
  else assertEquals(cgroup.read("cpu", "cpu.max"), "50000 100000");
});

Deno.test("memory limits go up and down, with swap, and -1 lifts them", async () => {
  await using cgroup = new TestCgroup();
  const { manager } = cgroup;
  const hasSwap = manager.stats().memory !== undefined &&
    [...Deno.readDirSync(cgroup.folder("memory"))].some(({ name }) =>
      name === "memory.memsw.limit_in_bytes" || name === "memory.swap.max"
    );
  const set = (limit: number, swap: number) =>
    manager.apply({ memory: hasSwap ? { limit, swap } : { limit } }, { update: true });
  for (const [limit, swap] of [[32, 64], [128, 256], [16, 16], [64, 80]] as const) {
    await set(limit * MIB, swap * MIB);
    const memory = manager.stats().memory;
    assertEquals(memory?.usage.limit, limit * MIB);
    if (hasSwap) assertEquals(memory?.swap.limit, swap * MIB);
  }
  await manager.apply({ memory: { limit: -1 } }, { update: true });
  assertEquals(manager.stats().memory?.usage.limit, "max");
  assertEquals(manager.stats().memory?.swap.limit, "max");
});

Deno.test("a quota and a period that only fit together are set in any order", async () => {
  await using cgroup = new TestCgroup();
  const { manager } = cgroup;
  const set = (cpu: Resources["cpu"]) => manager.apply({ cpu }, { update: true });
  await set({ quota: 900_000, period: 1_000_000 });
  await set({ quota: 1000, period: 1000 });
  await set({ quota: 900_000, period: 1_000_000 });
  await set({ period: 500_000 });
  const standing = isV1
    ? `${cgroup.read("cpu", "cpu.cfs_quota_us")} ${cgroup.read("cpu", "cpu.cfs_period_us")}`
    : cgroup.read("cpu", "cpu.max");
  assertEquals(standing, "900000 500000");
  await set({ quota: -1 });
  const lifted = isV1 ? cgroup.read("cpu", "cpu.cfs_quota_us") : cgroup.read("cpu", "cpu.max");
  assertEquals(lifted, isV1 ? "-1" : "max 500000");
});

Deno.test("the task limit keeps a process from forking", async () => {
  await using cgroup = new TestCgroup();
  await cgroup.manager.apply({ pids: { limit: 1 } });
  await using inside = await Inside.start(cgroup.manager, "/bin/true; echo forked");
  const { text } = await inside.end();
  assert(/[Cc]annot fork/.test(text), text);
  assertEquals(cgroup.manager.stats().pids?.limit, 1);
});

Deno.test("stats count what the processes use", async () => {
  await using cgroup = new TestCgroup();
  const { manager } = cgroup;
  await manager.apply({ memory: { limit: 64 * MIB }, pids: { limit: 30 } });
  await using _inside = await Inside.start(manager, "while :; do :; done");
  await using _other = await Inside.start(manager, "exec sleep 1000");
  // Memory is charged when it is touched: what moved in has brought none along.
  await until(() => {
    const { cpu, memory } = manager.stats();
    return (cpu?.usage.total ?? 0) >= 20_000_000 && (memory?.usage.usage ?? 0) > 0;
  }, 30);
  const stats = manager.stats();
  assertEquals(stats.pids, { current: 2, limit: 30 });
  assertEquals(stats.memory?.usage.limit, 64 * MIB);
  assert((stats.memory?.usage.usage ?? 0) > 0 && (stats.memory?.usage.usage ?? 0) < 64 * MIB);
  assert(Object.keys(stats.memory?.raw ?? {}).length > 10);
  assertEquals(stats.cpuset?.mems, "0");
  if (isV1) assertEquals(stats.cpu?.usage.percpu.length, stats.cpu?.usage.percpuUser.length);
  else assert(stats.cpu?.psi === undefined || stats.cpu.psi.some.total >= 0);
  assertEquals(JSON.parse(JSON.stringify(stats)).pids.current, 2);
});

Deno.test("the kernel's OOM kills are counted", async () => {
  await using cgroup = new TestCgroup();
  const { manager } = cgroup;
  await manager.apply({ memory: { limit: 4 * MIB, swap: 4 * MIB } });
  await using inside = await Inside.start(
    manager,
    "exec head -c 50000000 /dev/zero | tail -c 50000000",
  );
  await inside.end();
  const { memory } = manager.stats();
  assert((memory?.oomKills ?? 0) >= 1, JSON.stringify(memory?.oomKills));
});

Deno.test("a manager loaded from saved paths is the same", async () => {
  await using cgroup = new TestCgroup();
  await using inside = await Inside.start(cgroup.manager, "exec sleep 1000");
  const saved = JSON.parse(JSON.stringify(cgroup.manager.paths)) as Record<string, string>;
  const loaded = loadCgroupManager(host, saved);
  assertEquals(loaded.version, host.version);
  assertEquals(loaded.processes(), [inside.pid]);
  const error = faultOf(() => loadCgroupManager(host, { ...saved, [isV1 ? "pids" : ""]: "/etc" }));
  assertEquals(error.code, "ConfigInvalid");
});

Deno.test("what this host can't do is refused with the field's pointer", async () => {
  await using cgroup = new TestCgroup();
  const refused = async (resources: Resources) => {
    const error = await refusalOf(() => cgroup.manager.apply(resources));
    assertEquals(error.step, "cgroups");
    return [error.code, error.pointer];
  };
  if (isV1) {
    assertEquals(await refused({ unified: { "memory.max": "1000000" } }), [
      "Unsupported",
      "/linux/resources/unified",
    ]);
    assertEquals(await refused({ cpu: { shares: 1 } }), [
      "ConfigInvalid",
      "/linux/resources/cpu/shares",
    ]);
    if (cgroup.manager.paths.hugetlb === undefined) {
      assertEquals(await refused({ hugepageLimits: [{ pageSize: "2MB", limit: 0 }] }), [
        "Unsupported",
        "/linux/resources/hugepageLimits",
      ]);
    }
  } else {
    const pointer = (name: string) => `/linux/resources/${name}`;
    assertEquals(await refused({ cpu: { realtimeRuntime: 1000 } }), [
      "Unsupported",
      pointer("cpu/realtimeRuntime"),
    ]);
    assertEquals(await refused({ memory: { disableOOMKiller: true } }), [
      "Unsupported",
      pointer("memory/disableOOMKiller"),
    ]);
    assertEquals(await refused({ unified: { "memory.nothing": "1" } }), [
      "Unsupported",
      pointer("unified/memory.nothing"),
    ]);
    assertEquals(await refused({ unified: { "../x.y": "1" } }), [
      "ConfigInvalid",
      pointer("unified/..~1x.y"),
    ]);
    assertEquals(await refused({ network: { classID: 1 } }), [
      "Unsupported",
      pointer("network/classID"),
    ]);
  }
  assertEquals(await refused({ pids: { limit: 1e30 } }), [
    "SystemError",
    "/linux/resources/pids/limit",
  ]);
});

testWhere(
  isV1 ? "a pure cgroup v2 host" : undefined,
  "unified writes the files of cgroup v2 as they are",
  async () => {
    await using cgroup = new TestCgroup();
    await cgroup.manager.apply({
      memory: { limit: 64 * MIB },
      unified: { "memory.max": "max", "memory.high": "33554432", "pids.max": "12" },
    });
    assertEquals(cgroup.read("", "memory.max"), "max");
    assertEquals(cgroup.read("", "memory.high"), "33554432");
    assertEquals(cgroup.read("", "pids.max"), "12");
  },
);

testWhere(
  isV1 ? "a pure cgroup v2 host" : undefined,
  "below a cgroup that holds processes a limit is refused with a reason, devices are not",
  async () => {
    await using parent = new TestCgroup();
    await using _inside = await Inside.start(parent.manager, "exec sleep 1000");
    const path = `${parent.folder("").slice(unifiedMount?.length)}/child`;
    await using child = new TestCgroup(path);
    await child.manager.apply({ devices: [{ allow: false }] });
    const error = await refusalOf(() => child.manager.apply({ memory: { limit: 64 * MIB } }));
    assertEquals([error.code, error.errno], ["Unsupported", "ENOENT"]);
    assertEquals(error.pointer, "/linux/resources/memory/limit");
    assertEquals(child.manager.stats().pids, { current: 0, limit: "max" });
  },
);

Deno.test("no file descriptor stays open", async () => {
  const cycle = async () => {
    await using cgroup = new TestCgroup();
    await cgroup.manager.apply({ devices: [{ allow: false }], memory: { limit: 64 * MIB } });
    await cgroup.manager.freeze();
    await cgroup.manager.thaw();
    cgroup.manager.stats();
    await refusalOf(() => cgroup.manager.apply({ pids: { limit: 1e30 } }));
  };
  await cycle();
  const before = openFds();
  for (let k = 0; k < 5; k++) await cycle();
  assertEquals(openedSince(before), []);
});
