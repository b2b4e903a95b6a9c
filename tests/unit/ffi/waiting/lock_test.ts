import { assertEquals } from "@std/assert";
import { open } from "../../../../ffi/files/file.ts";
import { tryLock } from "../../../../ffi/files/file_lock.ts";
import { waitForLock } from "../../../../ffi/waiting/lock.ts";

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
    holder.close();
    assertEquals(await waiting, true);
    using other = open(path);
    assertEquals(tryLock(other), false);
    patient.close();
    // The late one's thread may get it only now; it lets go of it at once.
    assertEquals(await waitForLock(other, 60_000), true);
  } finally {
    Deno.removeSync(path);
  }
});
