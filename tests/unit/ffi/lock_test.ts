import { assertEquals } from "@std/assert";
import { open, tryLock } from "../../../ffi/file.ts";
import { waitForLock } from "../../../ffi/lock.ts";

Deno.test("a lock is waited for, in vain or not, and goes with its fd", async () => {
  const path = Deno.makeTempFileSync();
  try {
    const holder = open(path);
    assertEquals(await waitForLock(holder, 10_000), true);
    const late = open(path);
    assertEquals(await waitForLock(late, 20), false);
    late.close();
    const patient = open(path);
    const waiting = waitForLock(patient, 60_000);
    holder.close(); // the late one's thread gets it now, and lets go of it
    assertEquals(await waiting, true);
    using other = open(path);
    assertEquals(tryLock(other), false);
    patient.close();
    assertEquals(tryLock(other), true);
  } finally {
    Deno.removeSync(path);
  }
});
