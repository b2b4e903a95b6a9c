import { assertEquals, assertThrows } from "@std/assert";
import type { Config } from "../../../src/config/types.ts";
import { ContainerError } from "../../../src/errors.ts";
import { requireSupported } from "../../../src/unsupported.ts";

Deno.test("what hull can't do is refused by name, all of it at once", () => {
  const config: Config = {
    ociVersion: "1.2.0",
    process: { cwd: "/" },
    mounts: [{ destination: "/a" }, { destination: "/b", options: ["bind", "idmap"] }],
    linux: {
      namespaces: [{ type: "user" }, { type: "pid", path: "/proc/1/ns/pid" }],
    },
  };
  const error = assertThrows(() => requireSupported(config), ContainerError);
  assertEquals(error.code, "Unsupported");
  assertEquals(error.faults?.map(({ pointer }) => pointer).sort(), [
    "/linux/uidMappings",
    "/mounts/1",
  ]);
});

Deno.test("a plain config is supported", () => {
  requireSupported({ ociVersion: "1.2.0", process: { cwd: "/", terminal: true }, linux: {} });
});

Deno.test("network devices need a network namespace to go to", () => {
  const config = { ociVersion: "1.3.0", linux: { netDevices: { eth0: {} } } };
  const error = assertThrows(() => requireSupported(config), ContainerError);
  assertEquals(error.code, "ConfigInvalid");
  assertEquals(error.faults?.map(({ pointer }) => pointer), ["/linux/netDevices"]);
});
