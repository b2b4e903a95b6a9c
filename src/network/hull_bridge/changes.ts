/**
 * Changes to the records of hull's bridges. Each gives a new value, or the same one if nothing
 * changes.
 *
 * @module
 */

import type { BridgeRecord, BridgeRecords, Lease } from "./records.ts";

/**
 * The record of a bridge. Works for any name, also for `constructor`, which every object seems to
 * have.
 */
export function recordOf({ bridges }: BridgeRecords, name: string): BridgeRecord | undefined {
  return Object.hasOwn(bridges, name) ? bridges[name] : undefined;
}

/** The records with other leases; the same object where nothing has changed. */
export function changeLeases(
  records: BridgeRecords,
  change: (leases: readonly Lease[], name: string) => readonly Lease[],
): BridgeRecords {
  let isChanged = false;
  const bridges = Object.entries(records.bridges).map(([name, record]) => {
    const leases = change(record.leases, name);
    const isSame = leases.length === record.leases.length &&
      leases.every((lease, k) => lease === record.leases[k]);
    isChanged ||= !isSame;
    return [name, isSame ? record : { ...record, leases }] as const;
  });
  return isChanged ? { ...records, bridges: Object.fromEntries(bridges) } : records;
}

/** The records without the leases of a container. */
export function without(records: BridgeRecords, owner: number): BridgeRecords {
  return changeLeases(records, (leases) => leases.filter((lease) => lease.owner !== owner));
}

/** Whether there is a bridge without leases. */
export function hasUnused({ bridges }: BridgeRecords): boolean {
  return Object.values(bridges).some(({ leases }) => leases.length === 0);
}

/** The bridges from which a lease with ports is gone. */
export function changedRules(before: BridgeRecords, after: BridgeRecords): string[] {
  const count = (records: BridgeRecords, name: string) =>
    (records.bridges[name]?.leases ?? []).reduce((sum, { ports }) => sum + ports.length, 0);
  return Object.keys(before.bridges).filter((name) => count(before, name) !== count(after, name));
}
