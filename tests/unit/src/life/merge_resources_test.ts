import { assertEquals } from "@std/assert";
import {
  mergeResources,
  resourcesToRestore,
  resourcesToWrite,
} from "../../../../src/life/merge_resources.ts";

Deno.test("an update takes the place of what it names, and 0 leaves it", () => {
  const before = {
    devices: [{ allow: false }],
    memory: { limit: 100, reservation: 50, checkBeforeUpdate: true },
    cpu: { shares: 10, quota: 20, period: 30, cpus: "0-1" },
    pids: { limit: 5 },
    unified: { "memory.high": "1" },
  };
  const update = {
    memory: { limit: 0, reservation: 60 },
    cpu: { quota: -1, shares: 0, idle: 0, cpus: "" },
    pids: { limit: 0 },
    unified: { "memory.low": "2" },
  };
  assertEquals(mergeResources(before, update), {
    devices: [{ allow: false }],
    memory: { limit: 100, reservation: 60 },
    cpu: { shares: 10, quota: -1, period: 30, cpus: "0-1", idle: 0 },
    pids: { limit: 0 },
    unified: { "memory.high": "1", "memory.low": "2" },
  });
});

Deno.test("lists are merged by device and by page size", () => {
  const before = {
    blockIO: {
      weight: 100,
      weightDevice: [{ major: 8, minor: 0, weight: 10, leafWeight: 20 }],
      throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1 }],
    },
    hugepageLimits: [{ pageSize: "2MB", limit: 1 }],
  };
  const update = {
    blockIO: {
      weightDevice: [{ major: 8, minor: 0, weight: 30 }, { major: 8, minor: 16, weight: 40 }],
    },
    hugepageLimits: [{ pageSize: "2MB", limit: 2 }, { pageSize: "1GB", limit: 3 }],
  };
  assertEquals(mergeResources(before, update), {
    blockIO: {
      weight: 100,
      weightDevice: [
        { major: 8, minor: 0, weight: 30, leafWeight: 20 },
        { major: 8, minor: 16, weight: 40 },
      ],
      throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1 }],
    },
    hugepageLimits: [{ pageSize: "2MB", limit: 2 }, { pageSize: "1GB", limit: 3 }],
  });
});

Deno.test("a new limit of memory is written with the limit of memory and swap that stands", () => {
  const write = (before: { limit?: number; swap?: number }, update: typeof before) => {
    const change = { memory: update };
    return resourcesToWrite(change, mergeResources({ memory: before }, change)).memory;
  };
  assertEquals(write({ limit: 100, swap: 200 }, { limit: 150 }), { limit: 150, swap: 200 });
  assertEquals(write({ limit: 100 }, { swap: 150 }), { limit: 100, swap: 150 });
  assertEquals(write({ limit: 100, swap: 200 }, { limit: -1 }), { limit: -1 });
  assertEquals(write({ limit: 100, swap: 200 }, { limit: 300 }), { limit: 300 });
  assertEquals(write({ limit: 100, swap: 200 }, { limit: -1, swap: -1 }), { limit: -1, swap: -1 });
});

Deno.test("a quota is written with its period, whichever of them is new", () => {
  const before = { cpu: { shares: 5, quota: 20, period: 50 } };
  const write = (cpu: { shares?: number; quota?: number; period?: number }) =>
    resourcesToWrite({ cpu }, mergeResources(before, { cpu })).cpu;
  assertEquals(write({ period: 100 }), { quota: 20, period: 100 });
  assertEquals(write({ quota: -1 }), { quota: -1, period: 50 });
  assertEquals(write({ shares: 6 }), { shares: 6 });
});

Deno.test("what an update would have changed is what is set again after its failure", () => {
  const before = { memory: { limit: 1 }, pids: { limit: 2 } };
  assertEquals(resourcesToRestore(before, { pids: { limit: 3 }, cpu: { shares: 4 } }), {
    pids: { limit: 2 },
  });
});

Deno.test("without device rules before, the policy of none is what is set again", () => {
  const devices = [{ allow: true, access: "rwm" }];
  assertEquals(resourcesToRestore({ pids: { limit: 2 } }, { devices }), { devices: [] });
  assertEquals(resourcesToRestore({ devices }, { devices: [] }), { devices });
  assertEquals(resourcesToRestore({ devices }, { pids: { limit: 3 } }), {});
});
