import { assertEquals } from "@std/assert";
import { MINUTE, Series } from "../../../../../src/cli/top/series.ts";

Deno.test("a minute in parts, each with the highest of its values", () => {
  const series = new Series();
  const start = 10 * MINUTE;
  assertEquals(series.parts(start, 3), [undefined, undefined, undefined]);
  series.add(start - 1000, start, 5);
  assertEquals(series.parts(start, 3), [undefined, undefined, 5]);
  series.add(start, start + 1000, 9);
  assertEquals(series.parts(start + 1000, 3), [undefined, 5, 9]);
  series.add(start + 1000, start + 2000, 7);
  assertEquals(series.parts(start + 2000, 3), [undefined, 5, 9]);
});

Deno.test("a value stands for all of the time in which it was measured", () => {
  const series = new Series();
  const start = 10 * MINUTE;
  series.add(start, start + MINUTE / 2, 3);
  assertEquals(series.parts(start + MINUTE / 2, 4), [undefined, undefined, 3, 3]);
});

Deno.test("what is older than a minute is forgotten", () => {
  const series = new Series();
  for (let k = 0; k < 500; k++) series.add(k * 1000, (k + 1) * 1000, k);
  assertEquals(series.parts(500_000, 6), [449, 459, 469, 479, 489, 499]);
  assertEquals(series.parts(500_000 + 3 * MINUTE, 2), [undefined, undefined]);
});
