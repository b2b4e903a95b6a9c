import { assertEquals } from "@std/assert";
import { add, parseSum, showSum, SumReader } from "../../../hosts/sums.ts";

Deno.test("the sum of a run is its last line, in parts as they come", () => {
  const lines: string[] = [];
  const reader = new SumReader((line) => lines.push(line));
  reader.read("tests        3 passed, 0 fai");
  reader.read("led, 1 skipped\n3 passed, 0 failed, 1 skipped");
  assertEquals(reader.end(), { passed: 3, failed: 0, skipped: 1 });
  assertEquals(lines, ["tests        3 passed, 0 failed, 1 skipped"]);
});

Deno.test("a run that breaks off has no sum, and what it printed is passed on", () => {
  const lines: string[] = [];
  const reader = new SumReader((line) => lines.push(line));
  reader.read("running 3 tests\nthe first");
  assertEquals([reader.end(), lines], [undefined, ["running 3 tests", "the first"]]);
});

Deno.test("sums add up and read as they are written", () => {
  const sum = add({ passed: 3, failed: 1, skipped: 0 }, { passed: 40, failed: 0, skipped: 2 });
  assertEquals(showSum(sum), "43 passed, 1 failed, 2 skipped");
  assertEquals(parseSum(showSum(sum)), sum);
});
