import { assertEquals } from "@std/assert";
import type { Config, Mount, Namespace } from "../../../../src/config/types/config.ts";
import { fitMounts } from "../../../../src/rootless/fit_mounts.ts";

const NEW: readonly Namespace[] = [
  { type: "user" },
  { type: "pid" },
  { type: "network" },
  { type: "ipc" },
];

function fitted(
  mount: Mount,
  namespaces: readonly Namespace[],
  gids: readonly [number, number] = [0, 10],
): Mount[] {
  const config: Config = {
    ociVersion: "1.0.2",
    mounts: [mount],
    linux: { namespaces, gidMappings: [{ containerID: gids[0], hostID: 1000, size: gids[1] }] },
  };
  return [...fitMounts(config, false, 2).mounts ?? []];
}

const without = (type: string) => NEW.filter((each) => each.type !== type);

Deno.test("what belongs to namespaces of the container stays", () => {
  for (const type of ["proc", "sysfs", "mqueue", "tmpfs"]) {
    const mount = { destination: "/x", type, source: type, options: ["ro"] };
    assertEquals(fitted(mount, NEW), [mount]);
  }
});

Deno.test("what belongs to a namespace of the host is bound from it", () => {
  const mount = { destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "rw"] };
  const bound = { ...mount, type: "bind", source: "/sys", options: ["rbind", "rro", "nosuid"] };
  assertEquals(fitted(mount, without("network")), [bound]);
  const joined: Namespace = { type: "network", path: "/proc/1/ns/net" };
  assertEquals(fitted(mount, [...without("network"), joined]), [bound]);
  const both: Namespace[] = [joined, { type: "user", path: "/proc/1/ns/user" }];
  assertEquals(fitted(mount, both), [mount]);
  const proc = { destination: "/proc", type: "proc", source: "proc" };
  assertEquals(fitted(proc, without("pid")), [
    { ...proc, type: "bind", source: "/proc", options: ["rbind"] },
  ]);
});

Deno.test("the one tree of cgroups is bound read-only without a cgroup namespace", () => {
  const mount = { destination: "/sys/fs/cgroup", type: "cgroup", options: ["nosuid"] };
  const options = ["rbind", "rro", "nosuid"];
  assertEquals(fitted(mount, NEW), [{ ...mount, type: "bind", source: "/sys/fs/cgroup", options }]);
  assertEquals(fitted(mount, [...NEW, { type: "cgroup" }]), [mount]);
  const config: Config = { ociVersion: "1.0.2", mounts: [mount], linux: { namespaces: NEW } };
  assertEquals(fitMounts(config, false, 1, () => []).mounts, [mount]);
});

Deno.test("a devpts keeps a group that is mapped, and no other", () => {
  const mount = { destination: "/dev/pts", type: "devpts", options: ["newinstance", "gid=5"] };
  assertEquals(fitted(mount, NEW), [mount]);
  assertEquals(fitted(mount, NEW, [0, 5]), [{ ...mount, options: ["newinstance"] }]);
  assertEquals(fitted(mount, NEW, [6, 5]), [{ ...mount, options: ["newinstance"] }]);
  const config: Config = { ociVersion: "1.0.2", mounts: [mount], linux: { namespaces: [] } };
  const one = () => [{ containerID: 0, hostID: 1000, size: 1 }];
  assertEquals(fitMounts(config, false, 2, one).mounts?.[0]?.options, ["newinstance"]);
});

Deno.test("the built-in default's binds take with them what is mounted inside", () => {
  const mount = { destination: "/usr", type: "none", source: "/usr", options: ["bind", "ro"] };
  const config: Config = { ociVersion: "1.0.2", mounts: [mount], linux: { namespaces: NEW } };
  const one = () => [{ containerID: 0, hostID: 1000, size: 1 }];
  assertEquals(fitMounts(config, true, 2, one).mounts?.[0]?.options, ["rbind", "rro", "ro"]);
  assertEquals(fitMounts(config, false, 2, one).mounts, [mount]);
});
