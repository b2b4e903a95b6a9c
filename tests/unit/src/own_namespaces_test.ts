import { assertEquals, assertThrows } from "@std/assert";
import type { Config, Namespace } from "../../../src/config/types.ts";
import { ContainerError } from "../../../src/errors.ts";
import { Factory } from "../../../src/factory.ts";
import { requireOwnMounts } from "../../../src/own_namespaces.ts";
import { Process } from "../../../src/process.ts";

function config(namespaces?: readonly Namespace[]): Config {
  return {
    ociVersion: "1.2.0",
    root: { path: "/" },
    process: { cwd: "/", args: ["/bin/true"] },
    ...(namespaces === undefined ? {} : { linux: { namespaces } }),
  };
}

function refusal(asked: Config): [code: string, pointer: string | undefined] {
  const error = assertThrows(() => requireOwnMounts(asked), ContainerError);
  return [error.code, error.faults?.[0]?.pointer];
}

Deno.test("a container without a mount namespace is refused: the host's root would be switched", () => {
  const expected: [string, string] = ["Unsupported", "/linux/namespaces"];
  assertEquals(refusal(config()), expected);
  assertEquals(refusal(config([])), expected);
  assertEquals(refusal(config([{ type: "pid" }])), expected);
});

Deno.test("the host's mount namespace can't be joined, by whatever path", () => {
  const expected: [string, string] = ["ConfigInvalid", "/linux/namespaces/1/path"];
  for (
    const path of ["/proc/self/ns/mnt", `/proc/${Deno.pid}/ns/mnt`, "/proc/thread-self/ns/mnt"]
  ) {
    assertEquals(refusal(config([{ type: "pid" }, { type: "mount", path }])), expected, path);
  }
});

Deno.test("a mount namespace of its own, new or another container's, is fine", () => {
  requireOwnMounts(config([{ type: "mount" }]));
  requireOwnMounts(config([{ type: "mount", path: "" }]));
  // nothing but the identity counts, so another kind of namespace stands for another container's
  requireOwnMounts(config([{ type: "mount", path: "/proc/self/ns/uts" }]));
  requireOwnMounts(config([{ type: "mount", path: "/no/such/namespace" }]));
});

Deno.test("a plan, which runs nothing, is refused like a create", async () => {
  const factory = new Factory({ root: "/run/hull-conform-own-mounts", cgroupDriver: "disabled" });
  for (const asked of [config(), config([{ type: "mount", path: "/proc/self/ns/mnt" }])]) {
    const process = new Process({});
    const error = await factory.plan("hull-conform-own-mounts", process, { config: asked })
      .then(() => undefined, (reason: unknown) => reason);
    assertEquals(error instanceof ContainerError && error.faults?.length, 1);
  }
});
