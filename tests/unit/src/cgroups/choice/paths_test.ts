import { assertEquals, assertThrows } from "@std/assert";
import type { CgroupHost } from "../../../../../src/cgroups/detect.ts";
import { cgroupPaths } from "../../../../../src/cgroups/choice/paths.ts";
import { ContainerError } from "../../../../../src/errors.ts";

const hierarchy = (name: string, own: string) => ({
  controllers: name.split(","),
  mountPoint: `/sys/fs/cgroup/${name}`,
  ownFolder: `/sys/fs/cgroup/${name}${own}`,
});

const V1: CgroupHost = {
  version: 1,
  inUserNamespace: false,
  hierarchies: [
    hierarchy("memory", "/own/me"),
    hierarchy("cpu,cpuacct", ""),
    { controllers: ["name=other"], mountPoint: "/x/other", ownFolder: "/x/other" },
    {
      controllers: [""],
      mountPoint: "/sys/fs/cgroup/unified",
      ownFolder: "/sys/fs/cgroup/unified",
    },
  ],
};

const v2 = (own: string): CgroupHost => ({
  version: 2,
  inUserNamespace: false,
  hierarchies: [{
    controllers: [""],
    mountPoint: "/sys/fs/cgroup",
    ownFolder: `/sys/fs/cgroup${own}`,
  }],
});

Deno.test("v1: the id below the own cgroup of each hierarchy, in runc's list of them", () => {
  assertEquals(cgroupPaths(V1, undefined, "web"), {
    memory: "/sys/fs/cgroup/memory/own/me/web",
    cpu: "/sys/fs/cgroup/cpu,cpuacct/web",
    cpuacct: "/sys/fs/cgroup/cpu,cpuacct/web",
    "": "/sys/fs/cgroup/unified/web",
  });
});

Deno.test("v1: a relative path takes the id's place, an absolute one counts from the root", () => {
  assertEquals(cgroupPaths(V1, "pod/a", "web").memory, "/sys/fs/cgroup/memory/own/me/pod/a");
  assertEquals(cgroupPaths(V1, "/pod/a", "web").memory, "/sys/fs/cgroup/memory/pod/a");
  assertEquals(cgroupPaths(V1, "", "web").memory, "/sys/fs/cgroup/memory/own/me/web");
});

Deno.test("v2: beside the own cgroup, at the root where there is nothing above", () => {
  assertEquals(cgroupPaths(v2("/a/b"), undefined, "web"), { "": "/sys/fs/cgroup/a/web" });
  assertEquals(cgroupPaths(v2("/a"), "x", "web"), { "": "/sys/fs/cgroup/x" });
  assertEquals(cgroupPaths(v2(""), undefined, "web"), { "": "/sys/fs/cgroup/web" });
  assertEquals(cgroupPaths(v2("/a/b"), "/x/y", "web"), { "": "/sys/fs/cgroup/x/y" });
});

Deno.test("`..` never leads out", () => {
  for (
    const [path, expected] of [
      ["../../../../etc", "own/me/etc"],
      ["a/../../b", "own/me/b"],
      ["/../../a/./b//c/..", "a/b"],
      ["x/..//y", "own/me/y"],
    ] as const
  ) {
    assertEquals(cgroupPaths(V1, path, "web").memory, `/sys/fs/cgroup/memory/${expected}`);
  }
});

Deno.test("a path that names a root or the caller's own cgroup is refused", () => {
  for (const path of ["/", ".", "..", "a/..", "/own/me"]) {
    const error = assertThrows(() => cgroupPaths(V1, path, "web"), ContainerError);
    assertEquals([error.code, error.pointer], ["ConfigInvalid", "/linux/cgroupsPath"]);
  }
});
