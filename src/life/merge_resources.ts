/**
 * A container's resources after an update. What the update names replaces what was there, field by
 * field, and in lists by device, page size or file.
 *
 * @module
 */

import type {
  BlockIoResources,
  CpuResources,
  MemoryResources,
  Resources,
} from "../config/types/config.ts";

/**
 * The resources after an update; neither argument is changed.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { mergeResources } from "./merge_resources.ts";
 *
 * const merged = mergeResources(
 *   { memory: { limit: 100, swap: 200 }, pids: { limit: 5 } },
 *   { memory: { limit: 150 } },
 * );
 * assertEquals(merged, { memory: { limit: 150, swap: 200 }, pids: { limit: 5 } });
 * ```
 */
export function mergeResources(before: Resources, update: Resources): Resources {
  return withoutUndefined({
    ...before,
    ...withoutUndefined({
      devices: update.devices,
      memory: update.memory && mergeMemory(before.memory ?? {}, update.memory),
      cpu: update.cpu && mergeCpu(before.cpu ?? {}, update.cpu),
      pids: update.pids && { ...before.pids, ...withoutUndefined(update.pids) },
      blockIO: update.blockIO && mergeBlockIo(before.blockIO ?? {}, update.blockIO),
      hugepageLimits: update.hugepageLimits &&
        upsert(before.hugepageLimits ?? [], update.hugepageLimits, ({ pageSize }) => pageSize),
      network: update.network && { ...before.network, ...withoutUndefined(update.network) },
      rdma: update.rdma && { ...before.rdma, ...update.rdma },
      unified: update.unified && { ...before.unified, ...update.unified },
    }),
  });
}

/**
 * What has to be written for an update: the fields that it names, with stored values on which these
 * depend. `swap` includes memory, so it is written with every new memory limit; a quota is one of its
 * period, and systemd takes both as one.
 *
 * @param merged what {@linkcode mergeResources} gave
 */
export function resourcesToWrite(update: Resources, merged: Resources): Resources {
  const { memory, cpu } = update;
  const { limit, swap } = merged.memory ?? {};
  const { quota, period } = merged.cpu ?? {};
  const isLimited = memory?.limit !== undefined || memory?.swap !== undefined;
  const isTimed = cpu?.quota !== undefined || cpu?.period !== undefined;
  return {
    ...update,
    ...(isLimited ? { memory: withoutUndefined({ ...memory, limit, swap }) } : {}),
    ...(isTimed ? { cpu: withoutUndefined({ ...cpu, quota, period }) } : {}),
  };
}

/**
 * The old values of the resources that an update changes. Devices are a policy as a whole, which every
 * container has: without rules of its own, that of none.
 */
export function resourcesToRestore(before: Resources, update: Resources): Resources {
  const old = Object.fromEntries(
    Object.entries(before).filter(([name]) => update[name as keyof Resources] !== undefined),
  );
  return update.devices === undefined ? old : { ...old, devices: before.devices ?? [] };
}

/**
 * 0 keeps a limit. If the memory limit is lifted, or rises above that of memory and swap, which the
 * update does not name, the latter can't stand and is left out: v2, which counts swap alone, keeps
 * its own limit, and v1's kernel refuses. Whether usage is checked is taken from the update only.
 */
function mergeMemory(before: MemoryResources, update: MemoryResources): MemoryResources {
  const { checkBeforeUpdate: _, ...kept } = before;
  const merged = { ...kept, ...withoutZeros(update) };
  const { limit = 0, swap: both = 0 } = merged;
  const stands = limit !== -1 && (both <= 0 || limit <= both);
  if (stands || update.swap) return merged;
  const { swap: _lifted, ...rest } = merged;
  return rest;
}

function mergeCpu(before: CpuResources, update: CpuResources): CpuResources {
  const { burst, idle } = update;
  return { ...before, ...withoutZeros(update), ...withoutUndefined({ burst, idle }) };
}

function mergeBlockIo(before: BlockIoResources, update: BlockIoResources): BlockIoResources {
  const lists = [
    "weightDevice",
    "throttleReadBpsDevice",
    "throttleWriteBpsDevice",
    "throttleReadIOPSDevice",
    "throttleWriteIOPSDevice",
  ] as const;
  const key = ({ major, minor }: { major: number; minor: number }) => `${major}:${minor}`;
  const merged = Object.fromEntries(
    lists.filter((name) => update[name] !== undefined)
      .map((name) => [name, upsert(before[name] ?? [], update[name] ?? [], key)]),
  );
  return { ...before, ...withoutZeros(update), ...merged };
}

/** The entries of both; an entry of the update replaces the old one with the same key. */
function upsert<Entry extends object>(
  before: readonly Entry[],
  update: readonly Entry[],
  keyOf: (entry: Entry) => string,
): Entry[] {
  const entries = new Map(before.map((entry) => [keyOf(entry), entry]));
  for (const entry of update) {
    entries.set(keyOf(entry), { ...entries.get(keyOf(entry)), ...entry });
  }
  return [...entries.values()];
}

function withoutUndefined<Value extends object>(value: Value): Value {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as Value;
}

function withoutZeros<Value extends object>(value: Value): Value {
  return Object.fromEntries(
    Object.entries(value).filter(([, v]) => v !== undefined && v !== 0 && v !== ""),
  ) as Value;
}
