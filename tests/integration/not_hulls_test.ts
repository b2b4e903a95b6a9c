/**
 * What hull did not make is not hull's: folders under its root, and cgroups.
 */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ContainerError, ExecDriver, Factory, Process } from "../../mod.ts";
import { makeBundle } from "../fixtures/bundle.ts";
import { CGROUPFS } from "../fixtures/cgroup_driver.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { CgroupDecoy } from "../fixtures/cgroup_decoy.ts";
import { rootFolder } from "../fixtures/root_folder.ts";

/** What a user may have under a root folder, by names that ids may have too. */
function makeForeign(root: string): void {
  Deno.mkdirSync(`${root}/empty`, { recursive: true });
  Deno.mkdirSync(`${root}/www`);
  Deno.writeTextFileSync(`${root}/www/index.html`, "mine");
  Deno.mkdirSync(`${root}/elsewhere/deeper`, { recursive: true });
  Deno.symlinkSync("elsewhere", `${root}/link`);
  Deno.writeTextFileSync(`${root}/file`, "mine");
  Deno.mkdirSync(`${root}/~new-mine`);
}

const FOREIGN = ["empty", "www", "elsewhere", "link", "file"];

function inventory(root: string): string[] {
  const visit = (folder: string): string[] =>
    [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
      const path = `${folder}/${name}`;
      return isDirectory ? [path, ...visit(path)] : [path];
    });
  return visit(root).sort();
}

Deno.test("what is in the root and not hull's is left alone by every command", async () => {
  await using hull = new Hull();
  using bundle = makeBundle("true");
  makeForeign(hull.root);
  const before = inventory(hull.root);
  assertEquals(await hull.must("list", "-q"), "");
  assertEquals(await hull.must("list", "--format", "json"), "[]\n");
  for (const id of FOREIGN) {
    for (const birth of [["run", "-b", bundle.folder], ["create", "-b", bundle.folder]]) {
      const said = await hull.refuse(...birth, id);
      assertStringIncludes(said, "is there, and is not hull's", `${birth[0]} ${id}`);
    }
    if (id !== "empty") {
      assertStringIncludes(await hull.refuse("delete", "--force", id), "is no container", id);
    }
    const verbs = [["delete"], ["state"], ["kill"], ["start"], ["pause"]];
    for (const verb of verbs) {
      assertStringIncludes(await hull.refuse(...verb, id), "is no container", `${verb} ${id}`);
    }
  }
  const driver = new ExecDriver({ root: hull.root });
  assertEquals(await driver.restore(), []);
  assertEquals(inventory(hull.root), before);
  // By force, where nobody can miss anything.
  await hull.must("delete", "--force", "empty");
  assertEquals(inventory(hull.root), before.filter((path) => !path.endsWith("/empty")));
});

Deno.test("a container is whole as soon as it has its name, and what a killed creator left goes", async () => {
  await using scratch = rootFolder();
  const factory = new Factory({ root: scratch.path });
  const here = () => [...Deno.readDirSync(scratch.path)].map(({ name }) => name).sort();
  const ended = new Deno.Command("true", { stdin: "null" }).spawn();
  await ended.status; // its number is nobody's now
  const boot = Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim();
  const left = [`~new-${ended.pid}-7-${boot}-0123abcd`, `~old-${ended.pid}-7-${boot}-0123abcd`];
  for (const name of left) {
    Deno.mkdirSync(`${scratch.path}/${name}/rootfs/etc`, { recursive: true });
  }
  const alike = [
    "~new-",
    `~new-${ended.pid}-x-${boot}-0123abcd`,
    `~mine-${ended.pid}-7-${boot}-0123abcd`,
  ];
  for (const name of alike) Deno.mkdirSync(`${scratch.path}/${name}`);
  await assertRejects(() => factory.remove("none"), ContainerError, "does not exist");
  assertEquals(here(), alike.toSorted());
  await using container = await factory.create("hull-whole");
  assertEquals(container.status(), "creating");
});

Deno.test("a creation that fails leaves nothing in the root", async () => {
  await using scratch = rootFolder();
  const factory = new Factory({ root: scratch.path });
  await using first = await factory.create("hull-whole-2");
  const error = await assertRejects(() => factory.create("hull-whole-2"), ContainerError);
  assertEquals(error.code, "IdInUse");
  const attempts = Array.from({ length: 8 }, () => factory.create("hull-whole-3"));
  const made = (await Promise.allSettled(attempts)).filter(({ status }) => status === "fulfilled");
  assertEquals(made.length, 1);
  const names = [...Deno.readDirSync(scratch.path)].map(({ name }) => name).sort();
  assertEquals(names, [first.id, "hull-whole-3"]);
  await factory.remove("hull-whole-3");
});

Deno.test("a cgroup that others are in is not entered, limited or removed, wherever it is in use", async () => {
  await leavesNothing("hull-guest", async () => {
    await using hull = new Hull();
    const id = "hull-guest-1";
    using bundle = makeBundle("true", (config) => {
      config.linux.cgroupsPath = `/${id}`;
      config.linux.resources = { pids: { limit: 7 }, devices: [{ allow: false, access: "rwm" }] };
    });
    for (const below of ["", "/below"]) {
      for (const place of CgroupDecoy.places()) {
        await using decoy = await CgroupDecoy.enter([place], `${id}${below}`);
        const before = decoy.limits();
        const said = await hull.refuse(...CGROUPFS, "run", "-b", bundle.folder, id);
        assertStringIncludes(said, "is another's", place);
        assertEquals(decoy.isThere(), true);
        assertEquals(decoy.limits(), before);
        assertEquals(await hull.must("list", "-q"), "");
      }
    }
  });
});

Deno.test("a container goes into an empty cgroup that was there, which stays when it goes", async () => {
  await leavesNothing("hull-guest-2", async () => {
    await using hull = new Hull();
    using bundle = makeBundle("sleep 600", (config) => {
      config.linux.cgroupsPath = "/hull-guest-2";
    });
    const [place = ""] = CgroupDecoy.places();
    const there = `${place}/hull-guest-2`;
    Deno.mkdirSync(there);
    try {
      await hull.detach(...CGROUPFS, "run", "-d", "-b", bundle.folder, "hull-guest-2");
      const { pid } = JSON.parse(await hull.must("state", "hull-guest-2"));
      assertEquals(Deno.readTextFileSync(`${there}/cgroup.procs`).trim(), String(pid));
      // Whoever comes later is not the container's.
      await using late = await CgroupDecoy.enter([place], "hull-guest-2");
      await hull.must("delete", "--force", "hull-guest-2");
      assertEquals(late.isThere(), true);
      assertEquals(Deno.lstatSync(there).isDirectory, true);
    } finally {
      Deno.removeSync(there);
    }
  });
});

Deno.test("a cgroup that another made between create and start is another's", async () => {
  await leavesNothing("hull-guest-3", async () => {
    await using scratch = rootFolder();
    const factory = new Factory({ root: scratch.path });
    const container = await factory.create("hull-guest-3");
    const { cgroupPaths } = container.state();
    const path = (cgroupPaths.freezer ?? cgroupPaths[""]) as string;
    const [place, name] = [path.slice(0, path.lastIndexOf("/")), "hull-guest-3"];
    await using decoy = await CgroupDecoy.enter([place], name);
    const process = new Process({ args: ["true"], stdin: "null" });
    const error = await assertRejects(() => container.run(process), ContainerError);
    assertEquals(error.code, "IdInUse");
    await container.destroy({ force: true });
    assertEquals(decoy.isThere(), true);
  });
});
