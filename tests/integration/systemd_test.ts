/** Containers as units of systemd, on a host that it runs. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Factory, Process } from "../../mod.ts";
import { type Draft, makeBundle, run } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { rootFolder } from "../fixtures/root_folder.ts";
import { isLoaded, missingSystemd, properties } from "../fixtures/systemd.ts";
import { isV1 } from "../fixtures/test_cgroup.ts";
import { testWhere } from "../fixtures/test_where.ts";
import { until } from "../fixtures/until.ts";

const ASKED = "--systemd-cgroup";
const WAIT = "trap 'exit 0' TERM; while :; do sleep 0.1; done";
const MEMORY = isV1 ? "MemoryLimit" : "MemoryMax";

const test = (name: string, body: () => Promise<void>) => testWhere(missingSystemd, name, body);

function newId(): string {
  return `hull-test-${crypto.randomUUID().slice(0, 8)}`;
}

/** The container's cgroup of one controller, as the host sees it. */
function folderOf(pid: number, controller: string): string {
  const lines = Deno.readTextFileSync(`/proc/${pid}/cgroup`).trim().split("\n");
  const own = lines.map((line) => line.split(":")).find(([, names = ""]) =>
    isV1 ? names.split(",").includes(controller) : names === ""
  );
  const mount = isV1 ? `/sys/fs/cgroup/${controller}` : "/sys/fs/cgroup";
  return `${mount}${own?.slice(2).join(":")}`;
}

async function pidOf(hull: Hull, id: string): Promise<number> {
  return (JSON.parse(await hull.must("state", id)) as { pid: number }).pid;
}

function limited(config: Draft): void {
  config.linux.resources = {
    ...config.linux.resources,
    memory: { limit: 64 << 20 },
    pids: { limit: 20 },
    cpu: { shares: 512, quota: 20_000, period: 100_000 },
  };
}

function limitsOf(pid: number): string[] {
  const read = (controller: string, v1: string, v2: string) =>
    Deno.readTextFileSync(`${folderOf(pid, controller)}/${isV1 ? v1 : v2}`).trim();
  return [
    read("memory", "memory.limit_in_bytes", "memory.max"),
    read("pids", "pids.max", "pids.max"),
    read("cpu", "cpu.shares", "cpu.weight"),
    read("cpu", "cpu.cfs_quota_us", "cpu.max"),
  ];
}

test("a container is a scope with its limits, and gone with it", async () => {
  await using hull = new Hull();
  const id = newId();
  const unit = `hull-${id}.scope`;
  using bundle = makeBundle(WAIT, limited);
  await hull.detach(ASKED, "run", "-d", "-b", bundle.folder, id);
  const shown = properties(unit, "ActiveState", "Slice", "Delegate", MEMORY, "TasksMax");
  assertEquals(shown, {
    ActiveState: "active",
    Slice: "system.slice",
    Delegate: "yes",
    [MEMORY]: String(64 << 20),
    TasksMax: "20",
  });
  const quota = properties(unit, "CPUQuotaPerSecUSec", "DevicePolicy", "DefaultDependencies");
  assertEquals(quota, {
    CPUQuotaPerSecUSec: "200ms",
    DevicePolicy: "strict",
    DefaultDependencies: "no",
  });
  const pid = await pidOf(hull, id);
  for (const controller of ["pids", "devices", "memory", "cpu"]) {
    const folder = folderOf(pid, controller);
    assert(folder.endsWith(`/system.slice/${unit}`), folder);
  }
  const processes = Deno.readTextFileSync(`${folderOf(pid, "pids")}/cgroup.procs`).split("\n");
  assert(processes.includes(String(pid)));
  for (const process of processes.filter((line) => line !== "")) {
    const program = Deno.readLinkSync(`/proc/${process}/exe`);
    assertMatch(program, /busybox/); // nothing of hull's own stays inside
  }
  await hull.must("delete", "--force", id);
  assertEquals(isLoaded(unit), false);
});

test("a created container's unit lives until the start, and after it", async () => {
  await using hull = new Hull();
  const id = newId();
  const unit = `hull-${id}.scope`;
  using bundle = makeBundle("exit 3");
  await hull.detach(ASKED, "create", "-b", bundle.folder, id);
  assertEquals(properties(unit, "ActiveState").ActiveState, "active");
  await hull.must("start", id);
  await until(async () => await hull.status(id) === "stopped");
  await hull.must("delete", id);
  assertEquals(isLoaded(unit), false);
});

test("a reload of systemd, and a new one, leave limits and devices as they were", async () => {
  await using hull = new Hull();
  const id = newId();
  using bundle = makeBundle(WAIT, (config) => {
    limited(config);
    const { resources } = config.linux;
    config.linux.resources = {
      ...resources,
      devices: [
        { allow: false, access: "rwm" },
        { allow: true, type: "c", major: 1, minor: 11, access: "w" }, // kmsg
      ],
    };
    config.linux.devices = [
      { path: "/dev/kmsg", type: "c", major: 1, minor: 11 },
      { path: "/dev/mem0", type: "c", major: 1, minor: 1 },
    ];
  });
  await hull.detach(ASKED, "run", "-d", "-b", bundle.folder, id);
  const pid = await pidOf(hull, id);
  const tries = ["> /dev/kmsg", "< /dev/kmsg", "< /dev/mem0", "> /dev/null"];
  const script = tries.map((way) => `(: ${way}) 2>/dev/null && echo open || echo closed`).join(";");
  const look = async () => [...limitsOf(pid), await hull.must("exec", id, "sh", "-c", script)];
  const before = await look();
  assertEquals(before[4], "open\nclosed\nclosed\nopen\n");
  for (const verb of ["daemon-reload", "daemon-reexec"]) {
    run("systemctl", verb);
    // v1's devices are closed for a moment while systemd sets its rules again.
    if (isV1) await until(async () => (await look())[4] === before[4]);
    assertEquals(await look(), before, verb);
  }
  assertEquals(properties(`hull-${id}.scope`, "ActiveState").ActiveState, "active");
});

test("starts and ends go on while systemd executes itself anew", async () => {
  await using hull = new Hull();
  using bundle = makeBundle("exit 3");
  for (let k = 0; k < 8; k++) {
    const id = newId();
    const [{ code, stderr }] = await Promise.all([
      hull.call([ASKED, "run", "-b", bundle.folder, id]),
      new Deno.Command("systemctl", { args: ["daemon-reexec"], stderr: "null" }).output(),
    ]);
    assertEquals([code, stderr], [3, ""]);
    assertEquals(isLoaded(`hull-${id}.scope`), false);
  }
});

test("systemctl stop ends the container, and hull tells it as stopped", async () => {
  await using hull = new Hull();
  const id = newId();
  using bundle = makeBundle(WAIT);
  await hull.detach(ASKED, "run", "-d", "-b", bundle.folder, id);
  run("systemctl", "stop", `hull-${id}.scope`);
  assertEquals(await hull.status(id), "stopped");
  await hull.must("delete", id);
});

test("an update changes the unit as well as the files, without a flag", async () => {
  await using hull = new Hull();
  const id = newId();
  const unit = `hull-${id}.scope`;
  using bundle = makeBundle(WAIT, limited);
  await hull.detach(ASKED, "run", "-d", "-b", bundle.folder, id);
  const pid = await pidOf(hull, id);
  const flags = ["--memory", "32M", "--pids-limit", "30", "--cpu-quota", "50000"];
  await hull.must("update", ...flags, id);
  assertEquals(properties(unit, MEMORY, "TasksMax", "CPUQuotaPerSecUSec"), {
    [MEMORY]: String(32 << 20),
    TasksMax: "30",
    CPUQuotaPerSecUSec: "500ms",
  });
  const [memory, pids, , quota] = limitsOf(pid);
  assertEquals([memory, pids, quota?.split(" ")[0]], [String(32 << 20), "30", "50000"]);
  run("systemctl", "daemon-reload");
  assertEquals(limitsOf(pid).slice(0, 2), [String(32 << 20), "30"]);
});

test("exec, kill, pause and resume need no flag", async () => {
  await using hull = new Hull();
  const id = newId();
  using bundle = makeBundle(WAIT);
  await hull.detach(ASKED, "run", "-d", "-b", bundle.folder, id);
  assertEquals(await hull.must("exec", id, "echo", "inside"), "inside\n");
  await hull.must("pause", id);
  assertEquals(await hull.status(id), "paused");
  await hull.must("resume", id);
  await hull.must("kill", id, "KILL");
  await until(async () => await hull.status(id) === "stopped");
  await hull.must("delete", id);
});

test("cgroupsPath names slice, prefix and name; slices are nested", async () => {
  await using hull = new Hull();
  const id = newId();
  const slice = `hulltest-${id.slice(-8)}.slice`;
  using bundle = makeBundle(WAIT, ({ linux }) => {
    linux.cgroupsPath = `${slice}:pre:${id}`;
  });
  await hull.detach(ASKED, "run", "-d", "-b", bundle.folder, id);
  const folder = folderOf(await pidOf(hull, id), "pids");
  assert(folder.endsWith(`/hulltest.slice/${slice}/pre-${id}.scope`), folder);
  await hull.must("delete", "--force", id);
  assertEquals(isLoaded(`pre-${id}.scope`), false);
  run("systemctl", "stop", slice, "hulltest.slice");
});

test("annotations give the unit properties", async () => {
  await using hull = new Hull();
  const id = newId();
  using bundle = makeBundle(WAIT, (config) => {
    config.annotations = {
      "org.systemd.property.Description": "'told by the test'",
      "org.systemd.property.TimeoutStopSec": "uint64 7",
      "org.systemd.property.CollectMode": "'inactive'",
    };
  });
  await hull.detach(ASKED, "run", "-d", "-b", bundle.folder, id);
  const names = ["Description", "TimeoutStopUSec", "CollectMode"];
  assertEquals(properties(`hull-${id}.scope`, ...names), {
    Description: "told by the test",
    TimeoutStopUSec: "7s",
    CollectMode: "inactive",
  });
});

test("what systemd refuses, and what is no unit, leaves nothing", async () => {
  await using hull = new Hull();
  const id = newId();
  const cases: [(config: Draft) => void, RegExp][] = [
    [(config) => config.linux.cgroupsPath = "/a/b", /\/linux\/cgroupsPath/],
    [
      (config) => config.annotations = { "org.systemd.property.NoSuchThing": "true" },
      /NoSuchThing/,
    ],
    [
      (config) => config.annotations = { "org.systemd.property.Description": "no quotes" },
      /org\.systemd\.property\.Description/,
    ],
  ];
  for (const [change, said] of cases) {
    using bundle = makeBundle("true", change);
    assertMatch(await hull.refuse(ASKED, "run", "-b", bundle.folder, id), said);
    assertEquals(isLoaded(`hull-${id}.scope`), false);
    assertEquals(await hull.must("list", "-q"), "");
  }
});

test("a unit of that name that runs is left alone; one that has failed makes way", async () => {
  await using hull = new Hull();
  const id = newId();
  const unit = `hull-${id}.scope`;
  using bundle = makeBundle("true");
  const other = new Deno.Command("systemd-run", {
    args: ["--scope", "--quiet", `--unit=${unit}`, "sleep", "60"],
    stdout: "null",
    stderr: "null",
  }).spawn();
  await until(() => Promise.resolve(isLoaded(unit)));
  const said = await hull.refuse(ASKED, "run", "-b", bundle.folder, id);
  assertStringIncludes(said, "another's");
  assertEquals(properties(unit, "ActiveState").ActiveState, "active");
  run("systemctl", "kill", "--signal=KILL", unit);
  await other.status;
  await until(() => Promise.resolve(properties(unit, "ActiveState").ActiveState !== "active"));
  await hull.must(ASKED, "run", "-b", bundle.folder, id);
});

test("a start that is cut short while systemd makes the scope leaves no scope", async () => {
  await using root = rootFolder();
  const factory = new Factory({ root: root.path, cgroupDriver: "systemd" });
  for (const delay of [0, 2, 5, 10, 20]) {
    const id = newId();
    await using container = await factory.create(id);
    const cut = new AbortController();
    const timer = setTimeout(() => cut.abort(new Error("cut")), delay);
    const process = new Process({ args: ["sleep", "60"], stdin: "null" });
    await container.run(process, { signal: cut.signal }).then(
      () => {},
      (error) => assertEquals(error.message, "cut"),
    );
    clearTimeout(timer);
    await container.destroy({ force: true });
    assertEquals(isLoaded(`hull-${id}.scope`), false, `cut after ${delay} ms`);
  }
});

test("hundred processes fit where hundred are allowed, one where one is", async () => {
  await using hull = new Hull();
  for (const limit of [1, 2, 3]) {
    const id = newId();
    using bundle = makeBundle("exec cat /proc/self/cgroup", (config) => {
      config.linux.resources = { ...config.linux.resources, pids: { limit } };
    });
    await hull.must(ASKED, "run", "-b", bundle.folder, id);
  }
});
