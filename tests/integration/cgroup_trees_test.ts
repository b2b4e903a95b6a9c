/**
 * Trees of cgroups as a container with a writable mount of them can make: deep, with names that are
 * no text, frozen anywhere. Each test makes cgroups of its own, named hull-test-…
 */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { ENOENT } from "../../ffi/c/errno.ts";
import { mkdirAt } from "../../ffi/files/entries.ts";
import { O_DIRECTORY, O_WRONLY, open, openAt, writeAll } from "../../ffi/files/file.ts";
import { tryStatPath } from "../../ffi/files/file_status.ts";
import { setLimit } from "../../ffi/processes/rlimit.ts";
import type { CgroupManager } from "../../src/cgroups/manager.ts";
import { removeCgroup } from "../../src/cgroups/tree.ts";
import { ManagerV2 } from "../../src/cgroups/v2/manager.ts";
import { endAll } from "../../src/life/container_signals.ts";
import { ContainerError } from "../../src/errors.ts";
import { Factory, Process } from "../../mod.ts";
import { leanBundle } from "../fixtures/attempt.ts";
import { scratchFolder } from "../fixtures/bundle.ts";
import { enter, makeDeep } from "../fixtures/deep_cgroup.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { host, Inside, isV1, SIGKILL, TestCgroup, unifiedMount } from "../fixtures/test_cgroup.ts";
import { testWhere } from "../fixtures/test_where.ts";
import { until } from "../fixtures/until.ts";

const SHARED = { linux: { namespaces: [] } } as unknown as Parameters<typeof endAll>[0]["config"];

/** Where processes are looked for. */
const anchor = (manager: CgroupManager) => manager.paths[isV1 ? "freezer" : ""] as string;

Deno.test("what is in a cgroup deeper than a path can be long is found, killed, and removed", async () => {
  await using cgroup = new TestCgroup();
  const { manager } = cgroup;
  await using inside = await Inside.start(manager, "exec sleep 1000");
  {
    using deepest = makeDeep(anchor(manager), "first");
    enter(deepest, inside.pid);
  }
  assertEquals(manager.processes(), []);
  assertEquals(manager.processes({ all: true }), [inside.pid]);
  manager.kill(SIGKILL);
  assertEquals((await inside.end()).signal, "SIGKILL");
  await manager.destroy();
  assert(!manager.exists());
});

Deno.test("a cgroup whose name is no text is walked and removed", async () => {
  await using cgroup = new TestCgroup();
  const { manager } = cgroup;
  await using inside = await Inside.start(manager, "exec sleep 1000");
  const name = new Uint8Array([0xff, 0xfe, 0x0]);
  {
    using top = open(anchor(manager), O_DIRECTORY);
    mkdirAt(top, name, 0o755);
    using below = openAt(top, name, O_DIRECTORY);
    enter(below, inside.pid);
  }
  assertEquals(manager.processes({ all: true }), [inside.pid]);
  manager.kill(SIGKILL);
  await inside.end();
  await manager.destroy();
  assert(!manager.exists());
});

testWhere(
  unifiedMount === undefined ? "a cgroup v2 tree" : undefined,
  "the same in the tree of cgroup v2, with frozen and threaded cgroups",
  async () => {
    const path = `${unifiedMount}/hull-test-${crypto.randomUUID().slice(0, 8)}`;
    const manager = new ManagerV2(host, { "": path });
    Deno.mkdirSync(path);
    try {
      await using inside = await Inside.start(manager, "exec sleep 1000");
      const threads = `exec ${Deno.execPath()} eval 'setTimeout(() => {}, 1e6)'`;
      await using other = await Inside.start(manager, threads);
      {
        using deepest = makeDeep(path, new Uint8Array([0x61, 0xff, 0x0]));
        enter(deepest, inside.pid);
        using freeze = openAt(deepest, "cgroup.freeze", O_WRONLY);
        writeAll(freeze, new TextEncoder().encode("1"));
      }
      const domain = `${path}/domain`;
      Deno.mkdirSync(`${domain}/threads`, { recursive: true });
      Deno.writeTextFileSync(`${domain}/threads/cgroup.type`, "threaded");
      Deno.writeTextFileSync(`${domain}/cgroup.procs`, String(other.pid));
      const tasks = () => [...Deno.readDirSync(`/proc/${other.pid}/task`)].map(({ name }) => name);
      await until(() => tasks().length > 1);
      const thread = tasks().find((name) => name !== String(other.pid)) ?? "";
      Deno.writeTextFileSync(`${domain}/threads/cgroup.threads`, thread);
      assertEquals(
        manager.processes({ all: true }).toSorted(),
        [inside.pid, other.pid].toSorted(),
      );
      await assertRejects(() => removeCgroup(path, 20), ContainerError, `${inside.pid} (`);
      manager.kill(SIGKILL);
      await Promise.all([inside.end(), other.end()]);
    } finally {
      await manager.destroy();
    }
    assert(!manager.exists());
  },
);

testWhere(
  isV1 ? undefined : "cgroup v1",
  "a process in a frozen cgroup below dies of a kill",
  async () => {
    await using cgroup = new TestCgroup();
    const { manager } = cgroup;
    await using first = await Inside.start(manager, "exec sleep 1000");
    await using inside = await Inside.start(manager, "exec sleep 1000");
    const below = `${manager.paths.freezer}/a`;
    Deno.mkdirSync(`${below}/b`, { recursive: true });
    Deno.writeTextFileSync(`${below}/b/cgroup.procs`, String(inside.pid));
    for (const frozen of [below, `${below}/b`]) {
      Deno.writeTextFileSync(`${frozen}/freezer.state`, "FROZEN");
    }
    await manager.freeze();
    manager.kill(SIGKILL);
    assertEquals((await first.end()).signal, "SIGKILL");
    assertEquals((await inside.end()).signal, "SIGKILL");
  },
);

testWhere(
  isV1 ? undefined : "cgroup v1",
  "what can't be ended is waited for in bounded time and named",
  async () => {
    await using above = new TestCgroup();
    const name = above.manager.paths.freezer?.split("/").at(-1);
    await using cgroup = new TestCgroup(`${name}/c`);
    const { manager } = cgroup;
    await using inside = await Inside.start(manager, "exec sleep 1000");
    await above.manager.freeze();
    try {
      const target = { config: SHARED, cgroups: manager, pidfd: undefined };
      const error = await assertRejects(() => endAll(target, undefined, 50), ContainerError);
      assertMatch(error.message, new RegExp(`not ended: process ${inside.pid} \\(\\w+, state `));
      await assertRejects(
        () => removeCgroup(manager.paths.freezer as string, 20),
        ContainerError,
        `it still holds process ${inside.pid} (`,
      );
    } finally {
      await above.manager.thaw();
    }
    assertEquals((await inside.end()).signal, "SIGKILL");
    await manager.destroy();
  },
);

Deno.test("more processes than this program may have fds open are all killed", async () => {
  await using cgroup = new TestCgroup();
  const { manager } = cgroup;
  const count = 300;
  const script = `for k in $(seq ${count}); do sleep 1000 & done; wait`;
  await using inside = await Inside.start(manager, script);
  await until(() => manager.processes().length === count + 1, 20);
  const limits = /^Max open files +(\d+) +(\d+)/m.exec(Deno.readTextFileSync("/proc/self/limits"));
  const [soft = 0, hard = 0] = (limits ?? []).slice(1).map(Number);
  try {
    setLimit(0, "RLIMIT_NOFILE", 256, hard);
    manager.kill(SIGKILL);
  } finally {
    setLimit(0, "RLIMIT_NOFILE", soft, hard);
  }
  assertEquals((await inside.end()).signal, "SIGKILL");
  await until(() => manager.processes().length === 0);
});

Deno.test("what forks on and on, each time into a cgroup of its own, is ended", async () => {
  await using cgroup = new TestCgroup();
  const { manager } = cgroup;
  const top = anchor(manager);
  using scratch = scratchFolder();
  const comet = `${scratch.path}/comet`;
  const script = `mkdir ${top}/$$ && echo $$ > ${top}/$$/cgroup.procs; sh ${comet} &`;
  Deno.writeTextFileSync(comet, script);
  await using inside = await Inside.start(
    manager,
    `for k in $(seq 8); do sh ${comet} & done; wait`,
  );
  await until(() => [...Deno.readDirSync(top)].filter((entry) => entry.isDirectory).length > 80);
  assert(manager.processes({ all: true }).length > 0);
  await endAll({ config: SHARED, cgroups: manager, pidfd: undefined }, undefined);
  assertEquals(manager.processes({ all: true }), []);
  await inside.end();
  await manager.destroy();
  assert(!manager.exists());
});

for (const what of ["a process", "a cgroup"] as const) {
  Deno.test(`${what} that others leave in a container's cgroups goes with it when it has ended`, async () => {
    await leavesNothing("hull-trees-left", async () => {
      using bundle = leanBundle("read line");
      using root = scratchFolder();
      const factory = new Factory({ root: root.path });
      const container = await factory.create("hull-trees-left", bundle.config, {
        bundle: bundle.folder,
      });
      const process = new Process({ stdin: "piped", stdout: "null", stderr: "inherit" });
      await container.run(process);
      const cgroups = Object.values(container.state().cgroupPaths);
      const stranger = new Deno.Command("sleep", { args: ["1000"] }).spawn();
      for (const folder of cgroups) {
        if (what === "a cgroup") Deno.mkdirSync(`${folder}/left`);
        else Deno.writeTextFileSync(`${folder}/cgroup.procs`, String(stranger.pid));
      }
      if (what === "a cgroup") stranger.kill("SIGKILL");
      await process.stdin.close();
      await process.wait();
      await container.destroy();
      assertEquals((await stranger.status).signal, "SIGKILL");
      assertEquals(cgroups.filter((folder) => tryStatPath(folder, false) !== ENOENT), []);
    });
  });
}
