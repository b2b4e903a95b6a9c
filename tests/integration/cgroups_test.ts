/**
 * Cgroups on the real kernel, whichever version this host has. Needs root.
 *
 * Each test makes cgroups of its own, named hull-test-…, and removes them.
 */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { attachDeviceProgram, deviceProgramsOf, loadDeviceProgram } from "../../ffi/bpf.ts";
import { SyscallError } from "../../ffi/errno.ts";
import { O_DIRECTORY, O_RDONLY, open } from "../../ffi/file.ts";
import { detectCgroups } from "../../src/cgroups/detect.ts";
import {
  type CgroupManager,
  loadCgroupManager,
  newCgroupManager,
} from "../../src/cgroups/manager.ts";
import { containerDevicePolicy } from "../../src/cgroups/device_rules.ts";
import { CgroupFolder } from "../../src/cgroups/folder.ts";
import { deviceProgram, encodeProgram } from "../../src/cgroups/v2/device_program.ts";
import { applyDevices as applyDeviceProgram } from "../../src/cgroups/v2/devices.ts";
import type { Resources } from "../../src/config/types.ts";
import { ContainerError } from "../../src/errors.ts";

const host = detectCgroups();
const isV1 = host.version === 1;
/** The v2 tree, which a hybrid host has too. */
const unifiedMount = host.hierarchies.find((h) => h.controllers.includes(""))?.mountPoint;
const MIB = 1024 * 1024;
const SIGTERM = 15;
const SIGKILL = 9;

/** A manager with its cgroup made, and removed with all processes in it at the end. */
class TestCgroup implements AsyncDisposable {
  readonly id = `hull-test-${crypto.randomUUID().slice(0, 8)}`;
  readonly manager: CgroupManager;

  constructor(cgroupsPath?: string) {
    this.manager = newCgroupManager({ host, cgroupsPath, id: this.id, driver: "cgroupfs" });
    this.manager.create();
  }

  /** The folder of a v1 controller, or the one of v2. */
  folder(controller: string): string {
    return this.manager.paths[isV1 ? controller : ""] as string;
  }

  read(controller: string, file: string): string {
    return Deno.readTextFileSync(`${this.folder(controller)}/${file}`).trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.manager.exists()) this.manager.kill(SIGKILL);
    await this.manager.destroy();
  }
}

/** A shell inside, or in a sub-cgroup; it runs `script` once it has entered. */
class Inside implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #output: Promise<Deno.CommandOutput>;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#output = child.output();
  }

  static async start(manager: CgroupManager, script: string, below = ""): Promise<Inside> {
    const child = new Deno.Command("sh", {
      args: ["-c", `read go; ${script}`],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    for (const { path } of manager.entries()) {
      Deno.writeTextFileSync(path.replace(/\/cgroup\.procs$/, `${below}$&`), String(child.pid));
    }
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("go\n"));
    await writer.close();
    return new Inside(child);
  }

  get pid(): number {
    return this.#child.pid;
  }

  async end(): Promise<{ code: number; signal: string | null; text: string }> {
    const { code, signal, stdout, stderr } = await this.#output;
    const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    return { code, signal, text: text.trim() };
  }

  /** Kills the shell if it still runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // it has ended
    }
    await this.#output;
  }
}

function faultOf(action: () => void): ContainerError {
  return assertThrows(action, ContainerError);
}

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

Deno.test("a process that entered is listed, one of a sub-cgroup with `all`", async () => {
  await using cgroup = new TestCgroup();
  const { manager } = cgroup;
  for (const folder of new Set(Object.values(manager.paths))) Deno.mkdirSync(`${folder}/sub`);
  if (isV1) {
    for (const file of ["cpuset.cpus", "cpuset.mems"]) {
      const folder = manager.paths.cpuset;
      if (folder === undefined) continue;
      Deno.writeTextFileSync(`${folder}/sub/${file}`, Deno.readTextFileSync(`${folder}/${file}`));
    }
  }
  await using below = await Inside.start(manager, "exec sleep 1000", "/sub");
  assertEquals(manager.processes(), []);
  assertEquals(manager.processes({ all: true }), [below.pid]);
  await manager.freeze();
  assertEquals(manager.freezerState(), "frozen");
  manager.kill(SIGKILL);
  assertEquals((await below.end()).signal, "SIGKILL");
  await manager.destroy();
  assert(!manager.exists());
});

Deno.test("early entries come before late ones, and memory is late", async () => {
  await using cgroup = new TestCgroup();
  const entries = cgroup.manager.entries();
  const firstLate = entries.findIndex((entry) => entry.late);
  assert(entries.slice(firstLate).every((entry) => entry.late));
  const memory = entries.find((entry) => /(^|,)memory(,|$)/.test(entry.controller) || !isV1);
  assert(memory?.late);
  await using inside = await Inside.start(cgroup.manager, "cat /proc/self/cgroup");
  const { text } = await inside.end();
  for (const folder of Object.values(cgroup.manager.paths)) {
    const hierarchy = host.hierarchies.find((h) => folder.startsWith(h.mountPoint + "/"));
    const cgroupPath = folder.slice(hierarchy?.mountPoint.length);
    assert(text.split("\n").some((line) => line.endsWith(`:${cgroupPath}`)), `${folder}\n${text}`);
  }
});

Deno.test("limits stand in the kernel's files", async () => {
  await using cgroup = new TestCgroup();
  cgroup.manager.apply({
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
    set(limit * MIB, swap * MIB);
    const memory = manager.stats().memory;
    assertEquals(memory?.usage.limit, limit * MIB);
    if (hasSwap) assertEquals(memory?.swap.limit, swap * MIB);
  }
  manager.apply({ memory: { limit: -1 } }, { update: true });
  assertEquals(manager.stats().memory?.usage.limit, "max");
  assertEquals(manager.stats().memory?.swap.limit, "max");
});

Deno.test("a quota and a period that only fit together are set in any order", async () => {
  await using cgroup = new TestCgroup();
  const { manager } = cgroup;
  const set = (cpu: Resources["cpu"]) => manager.apply({ cpu }, { update: true });
  set({ quota: 900_000, period: 1_000_000 });
  set({ quota: 1000, period: 1000 });
  set({ quota: 900_000, period: 1_000_000 });
  set({ period: 500_000 });
  const standing = isV1
    ? `${cgroup.read("cpu", "cpu.cfs_quota_us")} ${cgroup.read("cpu", "cpu.cfs_period_us")}`
    : cgroup.read("cpu", "cpu.max");
  assertEquals(standing, "900000 500000");
  set({ quota: -1 });
  const lifted = isV1 ? cgroup.read("cpu", "cpu.cfs_quota_us") : cgroup.read("cpu", "cpu.max");
  assertEquals(lifted, isV1 ? "-1" : "max 500000");
});

Deno.test("the task limit keeps a process from forking", async () => {
  await using cgroup = new TestCgroup();
  cgroup.manager.apply({ pids: { limit: 1 } });
  await using inside = await Inside.start(cgroup.manager, "/bin/true; echo forked");
  const { text } = await inside.end();
  assert(/[Cc]annot fork/.test(text), text);
  assertEquals(cgroup.manager.stats().pids?.limit, 1);
});

Deno.test("freeze stops the processes until thaw", async () => {
  await using cgroup = new TestCgroup();
  const { manager } = cgroup;
  await using inside = await Inside.start(manager, "while :; do :; done");
  assertEquals(manager.freezerState(), "thawed");
  await manager.freeze();
  await manager.freeze();
  assertEquals(manager.freezerState(), "frozen");
  const before = manager.stats().cpu?.usage.total;
  await new Deno.Command("sleep", { args: ["0.1"] }).output();
  assertEquals(manager.stats().cpu?.usage.total, before);
  assertEquals(manager.processes(), [inside.pid]);
  await manager.thaw();
  assertEquals(manager.freezerState(), "thawed");
  await new Deno.Command("sleep", { args: ["0.1"] }).output();
  assert((manager.stats().cpu?.usage.total ?? 0) > (before ?? 0));
});

Deno.test("kill ends a cgroup whose processes keep forking", async () => {
  await using cgroup = new TestCgroup();
  const { manager } = cgroup;
  const script = "for k in 1 2 3 4; do (while :; do (:); done) & done; wait";
  await using inside = await Inside.start(manager, script);
  while (manager.processes().length < 5) await Promise.resolve();
  manager.kill(SIGKILL);
  assertEquals((await inside.end()).signal, "SIGKILL");
  await manager.destroy();
  assert(!manager.exists());
});

Deno.test("kill with another signal reaches all and leaves the freezer as it was", async () => {
  await using cgroup = new TestCgroup();
  const { manager } = cgroup;
  await using first = await Inside.start(manager, "exec sleep 1000");
  await using second = await Inside.start(manager, "exec sleep 1000");
  await manager.freeze();
  manager.kill(SIGTERM);
  assertEquals(manager.freezerState(), "frozen");
  // A frozen process of v1 dies when it is thawed, one of v2 at once.
  if (isV1) {
    assertEquals(manager.processes().toSorted(), [first.pid, second.pid].toSorted());
  }
  await manager.thaw();
  assertEquals((await first.end()).signal, "SIGTERM");
  assertEquals((await second.end()).signal, "SIGTERM");
});

Deno.test("device rules hold inside: listed ones open, others don't, and an update changes that", async () => {
  await using cgroup = new TestCgroup();
  const { manager } = cgroup;
  const nodes = Deno.makeTempDirSync();
  // 1:11 is /dev/kmsg; the node's folder must allow devices, which a nodev /tmp would not.
  await new Deno.Command("mknod", { args: [`${nodes}/kmsg`, "c", "1", "11"] }).output();
  const script = `echo x >/dev/null && echo null; head -c1 /dev/zero | wc -c; ` +
    `exec 3>${nodes}/kmsg && echo kmsg`;
  const run = async () => {
    await using inside = await Inside.start(manager, script);
    return (await inside.end()).text;
  };
  try {
    manager.apply({ devices: [{ allow: false, access: "rwm" }] });
    assert(/^null\n1\n.*(Operation not permitted|cannot create)/.test(await run()), await run());
    manager.apply({ pids: { limit: 20 } }, { update: true });
    assert(!/kmsg$/.test(await run()), "an update without devices must not open any");
    const kmsg = { allow: true, type: "c", major: 1, minor: 11 } as const;
    manager.apply({ devices: [{ allow: false }, { ...kmsg, access: "r" }] });
    assert(!/kmsg$/.test(await run()), "reading does not include writing");
    manager.apply({ devices: [{ allow: false }, { ...kmsg, access: "rw" }] });
    assert(/^null\n1\nkmsg$/.test(await run()), await run());
    manager.apply({ devices: [{ allow: true }, { ...kmsg, allow: false, access: "w" }] });
    assert(!/kmsg$/.test(await run()), "one denied right is enough");
    manager.apply({ devices: [{ allow: true }] });
    assert(/kmsg$/.test(await run()), await run());
  } finally {
    Deno.removeSync(nodes, { recursive: true });
  }
});

Deno.test({
  name: "a new device program takes the place of the old one, and of several others",
  ignore: unifiedMount === undefined,
  fn: () => {
    const path = `${unifiedMount}/hull-test-${crypto.randomUUID()}`;
    Deno.mkdirSync(path);
    try {
      using folder = new CgroupFolder(path);
      using directory = open(path, O_RDONLY | O_DIRECTORY);
      const attached = () => {
        const programs = deviceProgramsOf(directory);
        programs.forEach((program) => program.close());
        return programs.length;
      };
      applyDeviceProgram(folder, containerDevicePolicy([{ allow: true }]));
      assertEquals(attached(), 0, "nothing to forbid, nothing to attach");
      applyDeviceProgram(folder, containerDevicePolicy([]));
      applyDeviceProgram(folder, containerDevicePolicy([{ allow: true, type: "b" }]));
      assertEquals(attached(), 1);
      using other = loadDeviceProgram(encodeProgram(deviceProgram(containerDevicePolicy([]))));
      attachDeviceProgram(directory, other);
      assertEquals(attached(), 2);
      applyDeviceProgram(folder, containerDevicePolicy([{ allow: true }]));
      assertEquals(attached(), 1);
      const broken = new Uint8Array(8).fill(0xff);
      assertEquals(assertThrows(() => loadDeviceProgram(broken), SyscallError).code, "EINVAL");
    } finally {
      Deno.removeSync(path);
    }
  },
});

Deno.test("stats count what the processes use", async () => {
  await using cgroup = new TestCgroup();
  const { manager } = cgroup;
  manager.apply({ memory: { limit: 64 * MIB }, pids: { limit: 30 } });
  await using _inside = await Inside.start(manager, "while :; do :; done");
  await using _other = await Inside.start(manager, "exec sleep 1000");
  while ((manager.stats().cpu?.usage.total ?? 0) < 20_000_000) await Promise.resolve();
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
  manager.apply({ memory: { limit: 4 * MIB, swap: 4 * MIB } });
  await using inside = await Inside.start(
    manager,
    "exec head -c 50000000 /dev/zero | tail -c 50000000",
  );
  await inside.end();
  const { memory } = manager.stats();
  assert((memory?.oomKills ?? 0) >= 1, JSON.stringify(memory?.oomKills));
});

Deno.test("destroy says EBUSY while a process is inside, and succeeds after", async () => {
  await using cgroup = new TestCgroup();
  const { manager } = cgroup;
  await using inside = await Inside.start(manager, "exec sleep 1000");
  const error = await assertRejects(() => manager.destroy(), ContainerError);
  assertEquals([error.code, error.errno, error.step], ["SystemError", "EBUSY", "cgroups"]);
  assertEquals(manager.processes(), [inside.pid]);
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
  const refused = (resources: Resources) => {
    const error = faultOf(() => cgroup.manager.apply(resources));
    assertEquals(error.step, "cgroups");
    return [error.code, error.pointer];
  };
  if (isV1) {
    assertEquals(refused({ unified: { "memory.max": "1000000" } }), [
      "Unsupported",
      "/linux/resources/unified",
    ]);
    assertEquals(refused({ cpu: { shares: 1 } }), ["ConfigInvalid", "/linux/resources/cpu/shares"]);
    if (cgroup.manager.paths.hugetlb === undefined) {
      assertEquals(refused({ hugepageLimits: [{ pageSize: "2MB", limit: 0 }] }), [
        "Unsupported",
        "/linux/resources/hugepageLimits",
      ]);
    }
  } else {
    const pointer = (name: string) => `/linux/resources/${name}`;
    assertEquals(refused({ cpu: { realtimeRuntime: 1000 } }), [
      "Unsupported",
      pointer("cpu/realtimeRuntime"),
    ]);
    assertEquals(refused({ memory: { disableOOMKiller: true } }), [
      "Unsupported",
      pointer("memory/disableOOMKiller"),
    ]);
    assertEquals(refused({ unified: { "memory.nothing": "1" } }), [
      "Unsupported",
      pointer("unified/memory.nothing"),
    ]);
    assertEquals(refused({ unified: { "../x.y": "1" } }), [
      "ConfigInvalid",
      pointer("unified/..~1x.y"),
    ]);
    assertEquals(refused({ network: { classID: 1 } }), ["Unsupported", pointer("network/classID")]);
  }
  assertEquals(refused({ pids: { limit: 1e30 } }), ["SystemError", "/linux/resources/pids/limit"]);
});

Deno.test({
  name: "unified writes the files of cgroup v2 as they are",
  ignore: isV1,
  fn: async () => {
    await using cgroup = new TestCgroup();
    cgroup.manager.apply({
      memory: { limit: 64 * MIB },
      unified: { "memory.max": "max", "memory.high": "33554432", "pids.max": "12" },
    });
    assertEquals(cgroup.read("", "memory.max"), "max");
    assertEquals(cgroup.read("", "memory.high"), "33554432");
    assertEquals(cgroup.read("", "pids.max"), "12");
  },
});

Deno.test({
  name: "below a cgroup that holds processes a limit is refused with a reason, devices are not",
  ignore: isV1,
  fn: async () => {
    await using parent = new TestCgroup();
    await using _inside = await Inside.start(parent.manager, "exec sleep 1000");
    const path = `${parent.folder("").slice(unifiedMount?.length)}/child`;
    await using child = new TestCgroup(path);
    child.manager.apply({ devices: [{ allow: false }] });
    const error = faultOf(() => child.manager.apply({ memory: { limit: 64 * MIB } }));
    assertEquals([error.code, error.errno], ["Unsupported", "ENOENT"]);
    assertEquals(error.pointer, "/linux/resources/memory/limit");
    assertEquals(child.manager.stats().pids, { current: 0, limit: "max" });
  },
});

Deno.test("no file descriptor stays open", async () => {
  const count = () => [...Deno.readDirSync("/proc/self/fd")].length;
  const cycle = async () => {
    await using cgroup = new TestCgroup();
    cgroup.manager.apply({ devices: [{ allow: false }], memory: { limit: 64 * MIB } });
    await cgroup.manager.freeze();
    await cgroup.manager.thaw();
    cgroup.manager.stats();
    faultOf(() => cgroup.manager.apply({ pids: { limit: 1e30 } }));
  };
  await cycle();
  const before = count();
  for (let k = 0; k < 5; k++) await cycle();
  assertEquals(count(), before);
});

const V1_FILES = [
  ["cpu", ["cpu.shares", "cpu.cfs_quota_us", "cpu.cfs_period_us", "cpu.rt_runtime_us"]],
  ["cpuset", ["cpuset.cpus", "cpuset.mems"]],
  ["memory", [
    "memory.limit_in_bytes",
    "memory.memsw.limit_in_bytes",
    "memory.soft_limit_in_bytes",
    "memory.swappiness",
  ]],
  ["pids", ["pids.max"]],
  ["devices", ["devices.list"]],
  ["blkio", ["blkio.throttle.read_bps_device", "blkio.throttle.write_iops_device"]],
] as const;

const V2_FILES = [
  ["", [
    "cgroup.controllers",
    "cpu.max",
    "cpuset.cpus",
    "cpuset.mems",
    "io.max",
    "memory.low",
    "memory.max",
    "memory.swap.max",
    "pids.max",
  ]],
] as const;

/** The limits in a container's cgroups, by file. */
function limitsIn(paths: Readonly<Record<string, string>>): Record<string, string> {
  const limits: Record<string, string> = {};
  for (const [controller, files] of isV1 ? V1_FILES : V2_FILES) {
    for (const file of files) {
      try {
        limits[file] = Deno.readTextFileSync(`${paths[controller]}/${file}`);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
  }
  return limits;
}

/** Without pipes: a created container would keep them open. */
async function runc(...args: string[]): Promise<void> {
  const { success } = await new Deno.Command("runc", {
    args,
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).spawn().status;
  assert(success, `runc ${args.join(" ")}`);
}

/** What runc makes of the same resources: its paths, and what stands in the files. */
async function runcLimits(bundle: string, id: string, resources: Resources, cgroupsPath?: string) {
  const config = JSON.parse(Deno.readTextFileSync(`${bundle}/spec.json`));
  config.linux.resources = resources;
  if (cgroupsPath !== undefined) config.linux.cgroupsPath = cgroupsPath;
  Deno.writeTextFileSync(`${bundle}/config.json`, JSON.stringify(config));
  await runc("--root", `${bundle}/state`, "create", "--bundle", bundle, id);
  try {
    const state = JSON.parse(Deno.readTextFileSync(`${bundle}/state/${id}/state.json`));
    const paths = state.cgroup_paths as Record<string, string>;
    return { paths, limits: limitsIn(paths) };
  } finally {
    await runc("--root", `${bundle}/state`, "delete", "--force", id);
  }
}

/** A bundle whose spec is runc's own, without what could hold a terminal or a cgroup mount. */
async function makeBundle(): Promise<string> {
  const bundle = Deno.makeTempDirSync();
  Deno.mkdirSync(`${bundle}/rootfs/bin`, { recursive: true });
  for (const folder of ["proc", "dev", "sys"]) Deno.mkdirSync(`${bundle}/rootfs/${folder}`);
  await Deno.copyFile("/bin/busybox", `${bundle}/rootfs/bin/sh`);
  await runc("spec", "--bundle", bundle);
  const spec = JSON.parse(Deno.readTextFileSync(`${bundle}/config.json`));
  spec.process.terminal = false;
  spec.mounts = spec.mounts.filter((mount: { type: string }) => mount.type !== "cgroup");
  Deno.writeTextFileSync(`${bundle}/spec.json`, JSON.stringify(spec));
  return bundle;
}

async function hasRunc(): Promise<boolean> {
  try {
    await Deno.stat("/bin/busybox");
    return (await new Deno.Command("runc", { args: ["--version"] }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

Deno.test({
  name: "runc and hull put the same container into the same folders with the same limits",
  ignore: !(await hasRunc()),
  fn: async (t) => {
    const bundle = await makeBundle();
    const cases: readonly [string, Resources, string | undefined][] = [
      ["nothing set", {}, undefined],
      ["memory, cpu, pids", {
        devices: [{ allow: false, access: "rwm" }],
        memory: { limit: 64 * MIB, swap: 96 * MIB, reservation: 16 * MIB },
        cpu: { quota: 20_000, period: 50_000, cpus: "0-1", mems: "0" },
        pids: { limit: 33 },
      }, undefined],
      ["lifted", { memory: { limit: -1 }, pids: { limit: -1 }, cpu: { quota: -1 } }, undefined],
      ["device lists", {
        devices: [
          { allow: false, access: "rwm" },
          { allow: true, type: "c", major: 1, access: "rw" },
          { allow: true, type: "b", major: 8, minor: 0, access: "r" },
          { allow: true, type: "b", major: 8, minor: 0, access: "w" },
          { allow: true, type: "c", major: 4, minor: 1, access: "rwm" },
          { allow: false, type: "c", major: 4, minor: 1, access: "w" },
        ],
      }, undefined],
      ["all devices", { devices: [{ allow: true, access: "rwm" }] }, undefined],
      ["a relative path", {}, `hull-test-${crypto.randomUUID()}/../../hull-test-$ID`],
      ["an absolute path", {}, "/../hull-test-$ID"],
    ];
    try {
      for (const [name, resources, path] of cases) {
        await t.step(name, async () => {
          const id = `hull-test-${crypto.randomUUID().slice(0, 8)}`;
          const cgroupsPath = path?.replace("$ID", id);
          const theirs = await runcLimits(bundle, id, resources, cgroupsPath);
          const manager = newCgroupManager({ host, cgroupsPath, id, driver: "cgroupfs" });
          try {
            manager.create();
            manager.apply(resources);
            assertEquals(sorted(manager.paths), sorted(theirs.paths));
            assertEquals(limitsIn(manager.paths), theirs.limits);
          } finally {
            await manager.destroy();
          }
        });
      }
    } finally {
      Deno.removeSync(bundle, { recursive: true });
    }
  },
});

function sorted(record: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(record).toSorted(([a], [b]) => a < b ? -1 : 1);
}
