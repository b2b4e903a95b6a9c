import { assertEquals, assertThrows } from "@std/assert";
import type { Config } from "../../../src/config/types.ts";
import { ContainerError } from "../../../src/errors.ts";
import { requireSupported } from "../../../src/unsupported.ts";

Deno.test("what hull can't do is refused by name, all of it at once", () => {
  const config: Config = {
    ociVersion: "1.2.0",
    process: { cwd: "/", scheduler: { policy: "SCHED_BATCH" } },
    hooks: { createRuntime: [{ path: "/bin/true" }], poststop: [] },
    linux: {
      seccomp: { defaultAction: "SCMP_ACT_ALLOW" },
    },
  };
  const error = assertThrows(() => requireSupported(config), ContainerError);
  assertEquals(error.code, "Unsupported");
  assertEquals(error.faults?.map(({ pointer }) => pointer).sort(), [
    "/hooks/createRuntime",
    "/linux/seccomp",
    "/process/scheduler",
  ]);
});

Deno.test("a plain config is supported", () => {
  requireSupported({ ociVersion: "1.2.0", process: { cwd: "/", terminal: true }, linux: {} });
});
