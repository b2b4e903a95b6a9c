import { assertEquals, assertThrows } from "@std/assert";
import { requireKnownKeys } from "../../../../../src/cli/flags/resource_keys.ts";
import { ContainerError } from "../../../../../src/errors.ts";

Deno.test("an update's unknown keys are named, each with its place and the nearest known", () => {
  const resources = {
    memory: { limt: 5, limit: 6 },
    cpus: 2,
    blockIO: { throttleReadBpsDevice: [{ major: 1, minor: 2, rates: 3 }] },
    rdma: { mlx5_0: { handles: 1 } },
    "a/b": null,
  };
  const error = assertThrows(() => requireKnownKeys(resources, "stdin"), ContainerError);
  assertEquals(error.code, "ConfigInvalid");
  assertEquals(error.faults, [
    { pointer: "/memory/limt", message: "is no resource; did you mean limit?" },
    { pointer: "/cpus", message: "is no resource; did you mean cpu?" },
    {
      pointer: "/blockIO/throttleReadBpsDevice/0/rates",
      message: "is no resource; did you mean rate?",
    },
    { pointer: "/rdma/mlx5_0/handles", message: "is no resource; did you mean hcaHandles?" },
    { pointer: "/a~1b", message: "is no resource" },
  ]);
});

Deno.test("all that an engine sends is known", () => {
  requireKnownKeys({
    devices: [{ allow: false, access: "rwm" }],
    memory: { limit: -1, checkBeforeUpdate: true },
    cpu: {},
    pids: null,
    hugepageLimits: [{ pageSize: "2MB", limit: 0 }],
    network: { classID: 1, priorities: [{ name: "lo", priority: 1 }] },
    rdma: { mlx5_0: { hcaHandles: 1 } },
    unified: { "memory.high": "max", "any.file": "1" },
  }, "stdin");
});
