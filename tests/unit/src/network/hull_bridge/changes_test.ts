import { assert, assertEquals } from "@std/assert";
import {
  changedRules,
  changeLeases,
  hasUnused,
  recordOf,
  without,
} from "../../../../../src/network/hull_bridge/changes.ts";
import type { BridgeRecords, Lease } from "../../../../../src/network/hull_bridge/records.ts";

const CREATOR = { pid: 1, startTime: 1, bootId: "" };
const PORT = { hostPort: 80, containerPort: 80, protocol: "tcp" } as const;

function lease(owner: number, ports: Lease["ports"] = []): Lease {
  return { id: `web${owner}`, owner, creator: CREATOR, address: `10.88.0.${owner}`, ports };
}

const RECORDS: BridgeRecords = {
  format: 1,
  bootId: "",
  bridges: Object.fromEntries(
    [["hull0", [lease(2), lease(3, [PORT])]], ["hull1", [lease(4)]]].map(([name, leases]) => [
      name,
      { hardwareAddress: "", subnet: "10.88.0.0/16", last: "10.88.0.1", leases },
    ]),
  ),
};

Deno.test("a bridge's record is found by its name alone", () => {
  assertEquals(recordOf(RECORDS, "hull1")?.leases.length, 1);
  for (const name of ["hull2", "constructor", "toString", "__proto__"]) {
    assertEquals(recordOf(RECORDS, name), undefined);
  }
});

Deno.test("records change only where leases do", () => {
  assert(changeLeases(RECORDS, (leases) => [...leases]) === RECORDS);
  assert(without(RECORDS, 9) === RECORDS);
  const less = without(RECORDS, 4);
  assertEquals([hasUnused(RECORDS), hasUnused(less)], [false, true]);
  assert(less.bridges.hull0 === RECORDS.bridges.hull0);
  assertEquals(RECORDS.bridges.hull1?.leases.length, 1);
  assertEquals(changedRules(RECORDS, less), []);
  assertEquals(changedRules(RECORDS, without(RECORDS, 3)), ["hull0"]);
});
