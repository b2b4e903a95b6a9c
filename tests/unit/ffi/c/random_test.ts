import { assertEquals, assertMatch } from "@std/assert";
import { randomHex } from "../../../../ffi/c/random.ts";

Deno.test("random digits are as many as asked for, and others each time", () => {
  const all = Array.from({ length: 200 }, () => randomHex(16));
  for (const each of all) assertMatch(each, /^[0-9a-f]{32}$/);
  assertEquals(new Set(all).size, all.length);
});
