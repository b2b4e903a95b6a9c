/**
 * Limits of a cgroup: those that a container begins with, and those that an update gives it.
 *
 * @module
 */

import type { Json, Part } from "./case.ts";
import type { Chance } from "./chance.ts";

const MIB = 1 << 20;

const MEMORY: readonly Json[] = [
  { limit: 64 * MIB },
  { limit: -1 },
  { limit: 0 },
  { limit: 64 * MIB + 1 },
  { limit: 64 * MIB, swap: 128 * MIB },
  { limit: 64 * MIB, swap: -1 },
  { limit: 64 * MIB, swap: 0 },
  { limit: 64 * MIB, swap: 32 * MIB },
  { swap: 128 * MIB },
  { reservation: 32 * MIB },
  { limit: 64 * MIB, reservation: 32 * MIB },
  { limit: 64 * MIB, reservation: -1 },
  { kernel: 64 * MIB },
  { kernelTCP: 8 * MIB },
  { swappiness: 0 },
  { swappiness: 100 },
  { swappiness: 101 },
  { disableOOMKiller: true },
  { disableOOMKiller: false },
  { useHierarchy: true },
  { checkBeforeUpdate: true, limit: 64 * MIB },
  {},
  null,
];

const CPU: readonly Json[] = [
  { shares: 2 },
  { shares: 1 },
  { shares: 0 },
  { shares: 262_144 },
  { shares: 1_000_000 },
  { quota: 50_000 },
  { quota: 50_000, period: 100_000 },
  { quota: -1, period: 50_000 },
  { quota: 0, period: 0 },
  { quota: 100, period: 100_000 },
  { period: 1_000_000 },
  { period: 10 },
  { quota: 50_000, period: 100_000, burst: 10_000 },
  { burst: 10_000 },
  { burst: 0 },
  { idle: 1 },
  { idle: 0 },
  { idle: 2 },
  { idle: 1, shares: 512 },
  { cpus: "0" },
  { cpus: "0-1", mems: "0" },
  { cpus: "0,1" },
  { cpus: "" },
  { cpus: "99" },
  { cpus: "x" },
  { mems: "9" },
  { realtimeRuntime: 0 },
  { realtimePeriod: 1_000_000 },
  {},
  null,
];

const BLOCK: readonly Json[] = [
  { weight: 500 },
  { weight: 10 },
  { weight: 1 },
  { weight: 0 },
  { throttleReadBpsDevice: [{ major: 7, minor: 0, rate: 1_048_576 }] },
  { throttleWriteIOPSDevice: [{ major: 7, minor: 0, rate: 100 }] },
  { throttleReadBpsDevice: [{ major: 7, minor: 0, rate: 0 }] },
  { throttleReadBpsDevice: [{ major: 999, minor: 0, rate: 100 }] },
  { weightDevice: [{ major: 7, minor: 0, weight: 300 }] },
  {},
];

const OTHERS: readonly (readonly [field: string, value: Json])[] = [
  ["pids", { limit: 0 }],
  ["pids", { limit: -1 }],
  ["pids", { limit: -5 }],
  ["pids", { limit: 50 }],
  ["pids", { limit: 9_000_000_000 }],
  ["pids", {}],
  ["hugepageLimits", [{ pageSize: "2MB", limit: 4 * MIB }]],
  ["hugepageLimits", [{ pageSize: "3MB", limit: 4 * MIB }]],
  ["hugepageLimits", []],
  ["network", { classID: 1_048_577 }],
  ["network", { priorities: [{ name: "lo", priority: 5 }] }],
  ["rdma", { mlx5_1: { hcaHandles: 3 } }],
  ["unified", { "pids.max": "40" }],
  ["unified", { "memory.max": "67108864", "cpu.weight": "50" }],
  ["unified", { "nothing.max": "1" }],
  ["unified", { "../x": "1" }],
  ["unified", {}],
  ["unknown", 1],
];

/** A field of `linux.resources`. */
function drawField(chance: Chance): readonly [field: string, value: Json] {
  switch (chance.below(5)) {
    case 0:
    case 1:
      return ["memory", chance.of(MEMORY)];
    case 2:
      return ["cpu", chance.of(CPU)];
    case 3:
      return chance.oneIn(2) ? ["blockIO", chance.of(BLOCK)] : chance.of(OTHERS);
    default:
      return chance.of(OTHERS);
  }
}

/** A limit that a container begins with. */
export function drawLimitOfCgroup(chance: Chance): Part {
  const [field, value] = drawField(chance);
  return { kind: "set", at: `/linux/resources/${field}`, value };
}

/** A limit that an update gives. */
export function drawUpdate(chance: Chance): Part {
  const [field, value] = drawField(chance);
  return { kind: "update", at: `/${field}`, value };
}
