import { assertEquals, assertStringIncludes } from "@std/assert";
import { ContainerError, type ContainerErrorDetails } from "../../../../src/errors.ts";
import { explainRefusal, mountOf } from "../../../../src/rootless/refusals.ts";

const MOUNTINFO = [
  "1 0 8:1 / / rw,relatime - ext4 /dev/vda rw",
  "2 1 8:2 / /home rw,nosuid,nodev,noexec,relatime shared:1 - ext4 /dev/vdb rw",
  "3 2 8:3 / /home/dev/ok rw,relatime - ext4 /dev/vdc rw",
].join("\n");

function hintFor(details: ContainerErrorDetails, files: Record<string, string>, rootfs: string) {
  const host = { read: (path: string) => files[path], isAdmin: () => true };
  const refused = { rootfs, config: { ociVersion: "1.0.2" } };
  const error = explainRefusal(new ContainerError("InitFailed", "no", details), refused, host);
  return (error as ContainerError).hint ?? "";
}

Deno.test("each rule of a host is told with its remedy", () => {
  const clone = { step: "clone", syscall: "clone3", errno: "EPERM" };
  const cases: [ContainerErrorDetails, Record<string, string>, string][] = [
    [clone, { "/proc/sys/kernel/unprivileged_userns_clone": "0\n" }, "unprivileged_userns_clone=1"],
    [{ ...clone, errno: "ENOSPC" }, { "/proc/sys/user/max_user_namespaces": "0\n" }, "=15000"],
    [
      { step: "mounts", syscall: "move_mount", errno: "EACCES" },
      { "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1\n" },
      "apparmor_restrict_unprivileged_userns=0",
    ],
    [{ ...clone, errno: "ENOSPC" }, {}, "/proc/sys/user"],
    [{ step: "mounts", syscall: "open_tree", errno: "EINVAL" }, {}, "use rbind"],
    [{ ...clone, step: "sources" }, {}, "made beforehand, id-mapped or shared with the host"],
    [clone, { "/proc/sys/kernel/unprivileged_userns_clone": "1\n" }, "something around hull"],
    [
      { step: "exec", syscall: "execve", errno: "EACCES", path: "/bin/sh" },
      { "/proc/self/mountinfo": MOUNTINFO },
      "remount,exec /home,",
    ],
    [{ step: "rootfs", syscall: "open_tree", errno: "EACCES", path: "/home/dev/x" }, {}, "a+x"],
  ];
  for (const [details, files, part] of cases) {
    assertStringIncludes(hintFor(details, files, "/home/dev/x/rootfs"), part);
  }
});

Deno.test("what the host has no part in stays as it is", () => {
  const files = { "/proc/self/mountinfo": MOUNTINFO };
  const exec = { step: "exec", syscall: "execve", errno: "EACCES", hint: "own" };
  assertEquals(hintFor(exec, files, "/home/dev/ok/rootfs"), "own");
  assertEquals(hintFor({ ...exec, errno: "ENOENT" }, files, "/home/dev/x"), "own");
  const other = new Error("other");
  assertEquals(explainRefusal(other, { rootfs: "/", config: { ociVersion: "1.0.2" } }), other);
});

Deno.test("the mount of a path is the deepest above it", () => {
  assertEquals(mountOf("/home/dev/ok/x", MOUNTINFO)?.point, "/home/dev/ok");
  assertEquals(mountOf("/home/dev/okay", MOUNTINFO)?.point, "/home");
  assertEquals(mountOf("/etc", MOUNTINFO)?.point, "/");
  assertEquals(mountOf("/etc", ""), undefined);
});

Deno.test("who lacks the right for a container without a user namespace is told to give it one", () => {
  const clone = { step: "clone", syscall: "clone3", errno: "EPERM" };
  const host = { read: () => undefined, isAdmin: () => false };
  const hint = (namespaces: { type: "user" }[]) => {
    const refused = { rootfs: "/", config: { ociVersion: "1.0.2", linux: { namespaces } } };
    const error = explainRefusal(new ContainerError("InitFailed", "no", clone), refused, host);
    return (error as ContainerError).hint ?? "";
  };
  assertStringIncludes(hint([]), "CAP_SYS_ADMIN");
  assertStringIncludes(hint([{ type: "user" }]), "something around hull");
});
