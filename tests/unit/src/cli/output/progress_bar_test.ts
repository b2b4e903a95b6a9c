import { assertEquals } from "@std/assert";
import { barText } from "../../../../../src/cli/output/progress_bar.ts";

Deno.test("a bar is as long as its line lets it", () => {
  const progress = { layer: 1, layers: 3, bytes: 50e6, totalBytes: 200e6 };
  const bar = "[#######.......................] 25%";
  assertEquals(barText(progress, 80), `${bar} layer 2 of 3, 50 of 200 MB`);
  assertEquals(barText(progress, 60), bar);
  assertEquals(barText(progress, 20), "25%");
  assertEquals(barText(progress, 3), "");
});
