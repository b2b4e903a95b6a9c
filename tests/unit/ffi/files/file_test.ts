import { assert, assertEquals } from "@std/assert";
import { readRecord, readText } from "../../../../ffi/files/file.ts";

Deno.test("a file of many records is read to its end, which a short read does not tell", () => {
  // one line a mapping; each read gives as many as fit whole
  const path = "/proc/self/maps";
  const lines = (text: string) => text.trim().split("\n");
  const whole = lines(readText(path));
  assert(whole.length > 60, `${whole.length} mappings`);
  assertEquals(whole.at(-1), lines(Deno.readTextFileSync(path)).at(-1));
  assert(lines(readRecord(path)).length < whole.length, "the kernel gives it in pieces");
});

Deno.test("a file of one record needs no second read", () => {
  assertEquals(
    readRecord("/proc/self/limits"),
    Deno.readTextFileSync("/proc/self/limits"),
  );
});
