/**
 * What cgroups do to the processes inside: entry, freezing, signals, device rules, the end.
 *
 * Each test makes cgroups of its own, named hull-test-…, and removes them. Needs root.
 */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { attachDeviceProgram, deviceProgramsOf, loadDeviceProgram } from "../../ffi/seccomp/bpf.ts";
import { SyscallError } from "../../ffi/c/errno.ts";
import { isThere } from "../../ffi/files/file_status.ts";
import { O_DIRECTORY, O_RDONLY, open } from "../../ffi/files/file.ts";
import { containerDevicePolicy } from "../../src/cgroups/controllers/device_rules.ts";
import { CgroupFolder } from "../../src/cgroups/folder.ts";
import { deviceProgram, encodeProgram } from "../../src/cgroups/controllers/device_program.ts";
import { removeCgroup } from "../../src/cgroups/tree.ts";
import { applyDevices as applyDeviceProgram } from "../../src/cgroups/v2/devices.ts";
import { ContainerError } from "../../src/errors.ts";
import {
  host,
  Inside,
  isV1,
  SIGKILL,
  SIGTERM,
  TestCgroup,
  unifiedMount,
} from "../fixtures/test_cgroup.ts";
import { testWhere } from "../fixtures/test_where.ts";

/** Makes the calls in place. */
const ASIDE = { isAlone: true };

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

Deno.test("an empty cgroup is removed at once; one that holds a process, or a cgroup, not at all", async () => {
  await using cgroup = new TestCgroup();
  const { manager } = cgroup;
  const folders = [...new Set(Object.values(manager.paths))];
  const there = () => folders.filter(isThere);
  await using inside = await Inside.start(manager, "exec sleep 1000");
  assertEquals([await manager.removeIfEmpty(ASIDE), there()], [false, folders]);
  manager.kill(SIGKILL);
  await inside.end();
  for (const folder of folders) Deno.mkdirSync(`${folder}/sub`);
  assertEquals([await manager.removeIfEmpty(ASIDE), there()], [false, folders]);
  for (const folder of folders) Deno.removeSync(`${folder}/sub`);
  assertEquals([await manager.removeIfEmpty(ASIDE, []), there()], [true, folders]);
  assertEquals([await manager.removeIfEmpty(ASIDE), there()], [true, []]);
  assertEquals(await manager.removeIfEmpty(ASIDE), true);
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
    await manager.apply({ devices: [{ allow: false, access: "rwm" }] });
    assert(/^null\n1\n.*(Operation not permitted|cannot create)/.test(await run()), await run());
    await manager.apply({ pids: { limit: 20 } }, { update: true });
    assert(!/kmsg$/.test(await run()), "an update without devices must not open any");
    const kmsg = { allow: true, type: "c", major: 1, minor: 11 } as const;
    await manager.apply({ devices: [{ allow: false }, { ...kmsg, access: "r" }] });
    assert(!/kmsg$/.test(await run()), "reading does not include writing");
    await manager.apply({ devices: [{ allow: false }, { ...kmsg, access: "rw" }] });
    assert(/^null\n1\nkmsg$/.test(await run()), await run());
    await manager.apply({ devices: [{ allow: true }, { ...kmsg, allow: false, access: "w" }] });
    assert(!/kmsg$/.test(await run()), "one denied right is enough");
    await manager.apply({ devices: [{ allow: true }] });
    assert(/kmsg$/.test(await run()), await run());
  } finally {
    Deno.removeSync(nodes, { recursive: true });
  }
});

testWhere(
  unifiedMount === undefined ? "a cgroup v2 tree" : undefined,
  "a new device program takes the place of the old one, and of several others",
  () => {
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
);

Deno.test("removal says EBUSY while a process is inside, and destroy succeeds after", async () => {
  await using cgroup = new TestCgroup();
  const { manager } = cgroup;
  await using inside = await Inside.start(manager, "exec sleep 1000");
  const folder = Object.values(manager.paths)[0] as string;
  const error = await assertRejects(() => removeCgroup(folder, 50), ContainerError);
  assertEquals([error.code, error.errno, error.step], ["SystemError", "EBUSY", "cgroups"]);
  assertEquals(manager.processes(), [inside.pid]);
});
