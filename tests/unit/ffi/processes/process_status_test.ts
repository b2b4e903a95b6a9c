import { assert, assertEquals, assertThrows } from "@std/assert";
import { SyscallError } from "../../../../ffi/c/errno.ts";
import {
  fieldIfAlive,
  readStatus,
  statusField,
  statusMask,
} from "../../../../ffi/processes/process_status.ts";

const STATUS = "Name:\ta: b\nNSpid:\t12\t1\nGroups:\t \nSigIgn:\t0000000000001004\n";

Deno.test("a field is what stands behind its name, with the colons that it may hold", () => {
  assertEquals(statusField(STATUS, "Name"), "a: b");
  assertEquals(statusField(STATUS, "NSpid"), "12\t1");
  assertEquals(statusField(STATUS, "Groups"), "");
  assertEquals(statusField(STATUS, "pid"), undefined);
});

Deno.test("a mask is a set of bits; one that the kernel doesn't have is empty", () => {
  assertEquals(statusMask(STATUS, "SigIgn"), 0x1004n);
  assertEquals(statusMask(STATUS, "CapAmb"), 0n);
});

Deno.test("a process that has ended has no fields", async () => {
  const child = new Deno.Command("true").spawn();
  await child.status;
  assertEquals(fieldIfAlive(child.pid, "Name"), undefined);
  assertThrows(() => readStatus(child.pid), SyscallError, "ENOENT");
  assert(fieldIfAlive(Deno.pid, "State") !== undefined);
});
