import { assertEquals } from "@std/assert";
import { staysWithin } from "../../../../../src/sandbox/fs/transfer.ts";

Deno.test("a link stays within what is downloaded unless it may step out", () => {
  const cases: readonly [string, number, boolean][] = [
    ["a", 0, true],
    ["./a/b", 0, true],
    ["..", 0, false],
    ["../a", 1, true],
    ["../../a", 1, false],
    ["..", 1, true],
    ["a/..", 3, false], // a may be a link
    ["../a/../b", 3, false],
    ["/a", 3, false],
    ["", 3, false],
    [".", 0, true],
  ];
  for (const [target, depth, stays] of cases) {
    assertEquals(staysWithin(target, depth), stays, `${target} at ${depth}`);
  }
});
