import { assertEquals, assertThrows } from "@std/assert";
import type { Config, Namespace } from "../../../../src/config/types/config.ts";
import { ContainerError } from "../../../../src/errors.ts";
import {
  requireMountNamespace,
  requireNetworkNamespace,
} from "../../../../src/namespaces/required_namespaces.ts";

function config(...namespaces: readonly Namespace[]): Config {
  return { ociVersion: "1.2.0", linux: { namespaces, netDevices: { eth1: {} } } };
}

function pointer(check: () => void): string | undefined {
  const error = assertThrows(check, ContainerError);
  assertEquals(error.code, "ConfigInvalid");
  return error.faults?.[0]?.pointer;
}

Deno.test("a new user namespace needs a new mount namespace", () => {
  const user: Namespace = { type: "user" };
  assertEquals(pointer(() => requireMountNamespace(config(user))), "/linux/namespaces");
  const joined: Namespace = { type: "mount", path: "/proc/1/ns/mnt" };
  assertEquals(pointer(() => requireMountNamespace(config(user, joined))), "/linux/namespaces");
  requireMountNamespace(config(user, { type: "mount" }));
  requireMountNamespace(config({ type: "pid" }));
  requireMountNamespace({ ociVersion: "1.2.0" });
});

Deno.test("a network device needs a network namespace to go to", () => {
  assertEquals(
    pointer(() => requireNetworkNamespace(config({ type: "mount" }))),
    "/linux/netDevices",
  );
  requireNetworkNamespace(config({ type: "network" }));
  requireNetworkNamespace({ ociVersion: "1.2.0" });
});
