import { assertEquals } from "@std/assert";
import { EINVAL, EPERM } from "../../../../ffi/c/errno.ts";
import { lastCapability, lastKnown } from "../../../../ffi/files/kernel_constants.ts";

Deno.test("the last capability is the one that the kernel's file names", () => {
  const named = Number(Deno.readTextFileSync("/proc/sys/kernel/cap_last_cap"));
  assertEquals(lastCapability(), named);
});

Deno.test("the last capability is found on older and on newer kernels", () => {
  for (const last of [0, 37, 40, 41, 63]) {
    assertEquals(lastKnown((number) => number <= last ? 1 : -EINVAL), last);
  }
});

Deno.test("the search for the last capability ends where a filter answers each question with 0", () => {
  let asked = 0;
  const last = lastKnown(() => {
    if (++asked > 1000) throw new Error("it goes on");
    return 0;
  });
  assertEquals(last, undefined);
});

Deno.test("the search for the last capability ends where a filter denies the question", () => {
  for (const errno of [EPERM, EINVAL]) {
    // a bound for a search that would go on for ever
    assertEquals(lastKnown((number) => number < -9 ? 1 : -errno), undefined);
  }
});
