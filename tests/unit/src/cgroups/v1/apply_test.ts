import { assertEquals, assertThrows } from "@std/assert";
import { applyResources } from "../../../../../src/cgroups/v1/apply.ts";
import { ContainerError } from "../../../../../src/errors.ts";
import { FakeCgroup } from "../fake_cgroup.ts";

const FILES = { "memory.limit_in_bytes": "9223372036854771712\n", "memory.stat": "a 1\nb 2\n" };

Deno.test("v1: nothing is written where a limit has no controller", () => {
  using fake = new FakeCgroup(FILES);
  const resources = { memory: { limit: 4096 }, network: { classID: 7 } };
  const error = assertThrows(
    () => applyResources({ memory: fake.folder.path }, resources, { update: true }, false),
    ContainerError,
  );
  assertEquals(error.pointer, "/linux/resources/network/classID");
  assertEquals(fake.read("memory.limit_in_bytes"), FILES["memory.limit_in_bytes"]);
});

Deno.test("v1: an update that fails takes back what nobody had set before", () => {
  using fake = new FakeCgroup({ ...FILES, "pids.max": "max\n" });
  const { path } = fake.folder;
  const resources = {
    memory: { limit: 4096 },
    pids: { limit: 5 },
    blockIO: { throttleReadBpsDevice: [{ major: 999, minor: 0, rate: 1 }] },
  };
  const paths = { memory: path, pids: path, blkio: path };
  assertThrows(() => applyResources(paths, resources, { update: true }, false), ContainerError);
  assertEquals(fake.read("memory.limit_in_bytes"), "9223372036854771712");
  assertEquals(fake.read("pids.max"), "max");
});
