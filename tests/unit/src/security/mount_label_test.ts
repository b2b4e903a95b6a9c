import { assertEquals, assertThrows } from "@std/assert";
import { ContainerError } from "../../../../src/errors.ts";
import { contextFor } from "../../../../src/security/mount_label.ts";
import { checkProcMounts } from "../../../../src/security/proc_mount.ts";

const LABEL = "system_u:object_r:container_file_t:s0:c1,c2";

Deno.test("file systems that take a context get the label, unless they have one of their own", () => {
  assertEquals(contextFor(LABEL, "tmpfs", ["size=1m"]), LABEL);
  assertEquals(contextFor(LABEL, "devpts", []), LABEL);
  for (const type of ["proc", "sysfs", "mqueue", "cgroup", "cgroup2"]) {
    assertEquals(contextFor(LABEL, type, []), undefined, type);
  }
  assertEquals(contextFor("", "tmpfs", []), undefined);
  assertEquals(contextFor(LABEL, "tmpfs", [`context="${LABEL}"`]), undefined);
});

Deno.test("only a procfs can be bound over /proc", () => {
  const mount = (source: string, destination = "/proc") => (
    { destination, type: "bind", source, options: ["rbind"] }
  );
  checkProcMounts([mount("/proc"), mount("/proc/self", "/proc/"), mount("/usr", "/data")]);
  checkProcMounts([{ destination: "/proc", type: "proc" }, mount("/nowhere")]);
  const error = assertThrows(
    () => checkProcMounts([mount("/proc"), mount("/usr", "proc/.")]),
    ContainerError,
  );
  assertEquals([error.code, error.pointer], ["ConfigInvalid", "/mounts/1/source"]);
});
