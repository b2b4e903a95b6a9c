import { assertEquals, assertThrows } from "@std/assert";
import type { CgroupHost } from "../../../../src/cgroups/detect.ts";
import { ContainerError } from "../../../../src/errors.ts";
import { cgroupsForUser, limitsOf, sharedFolder } from "../../../../src/rootless/user_cgroups.ts";

Deno.test("device rules and empty sections are no limits", () => {
  assertEquals(limitsOf({ devices: [{ allow: false, access: "rwm" }], cpu: {}, network: {} }), []);
  assertEquals(limitsOf({ pids: { limit: 5 }, memory: { limit: 1 } }), ["pids", "memory"]);
});

Deno.test("the shared folder of two is the deepest above both", () => {
  assertEquals(sharedFolder("/a/b/c", "/a/b/d"), "/a/b");
  assertEquals(sharedFolder("/a/b", "/a/b/d"), "/a/b");
  assertEquals(sharedFolder("/a/bc", "/a/b"), "/a");
});

Deno.test("where nothing is delegated there is none, unless something depends on it", () => {
  const host: CgroupHost = { version: 2, hierarchies: [], inUserNamespace: true };
  const base = { host, id: "web", driver: "cgroupfs", isLenient: false } as const;
  const none = cgroupsForUser({ ...base, cgroupsPath: undefined, resources: undefined });
  assertEquals([none.manager.paths, none.limitsPids], [{}, false]);
  const limits = { pids: { limit: 5 } };
  const own = { ...base, cgroupsPath: undefined, resources: limits, isLenient: true };
  assertEquals(cgroupsForUser(own).manager.paths, {});
  const refused = (more: object) =>
    assertThrows(
      () => cgroupsForUser({ ...base, cgroupsPath: undefined, resources: undefined, ...more }),
      ContainerError,
    ).pointer;
  assertEquals(refused({ resources: limits }), "/linux/resources/pids");
  assertEquals(refused({ cgroupsPath: "/pod/web" }), "/linux/cgroupsPath");
});

Deno.test("a delegated folder is used: beside hull's own cgroup, else in it", () => {
  const top = Deno.makeTempDirSync();
  try {
    const own = `${top}/slice/own`;
    Deno.mkdirSync(own, { recursive: true });
    const host: CgroupHost = {
      version: 2,
      hierarchies: [{ controllers: [""], mountPoint: top, ownFolder: own }],
      inUserNamespace: true,
    };
    const found = () =>
      cgroupsForUser({
        host,
        id: "web",
        driver: "cgroupfs",
        isLenient: false,
        cgroupsPath: undefined,
        resources: undefined,
      });
    assertEquals(found().manager.paths, {}); // without cgroup.procs nothing may be moved
    Deno.writeTextFileSync(`${own}/cgroup.procs`, "");
    assertEquals(found().manager.paths, { "": `${own}/web` });
    assertEquals(found().limitsPids, false);
    Deno.writeTextFileSync(`${own}/cgroup.controllers`, "cpu pids\n");
    assertEquals(found().limitsPids, true);
    Deno.writeTextFileSync(`${top}/slice/cgroup.procs`, "");
    assertEquals(found().manager.paths, { "": `${top}/slice/web` });
  } finally {
    Deno.removeSync(top, { recursive: true });
  }
});
