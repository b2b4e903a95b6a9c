import { assertEquals } from "@std/assert";
import { bar, bytesText, percentText, spark } from "../../../../../src/cli/top/marks.ts";
import { widthOf } from "../../../../../src/cli/top/text.ts";

Deno.test("bytes fit in five columns, however many they are", () => {
  const texts: [number, string][] = [
    [0, "0"],
    [999, "999"],
    [1000, "1.0K"],
    [10_189, "10K"],
    [1024 * 999.4, "999K"],
    [1024 * 999.6, "1.0M"],
    [64 * 2 ** 20, "64M"],
    [2 ** 53, "8.0P"],
  ];
  for (const [bytes, text] of texts) assertEquals(bytesText(bytes), text);
  for (let bytes = 1; bytes < 2 ** 60; bytes *= 1.37) {
    assertEquals(bytesText(bytes).length <= 5, true, `${bytes}`);
  }
});

Deno.test("per cent have a tenth where there is room", () => {
  assertEquals([0, 12.34, 999.94, 999.96, 12_800].map(percentText), [
    ...["0.0", "12.3", "999.9", "1000", "12800"],
  ]);
});

Deno.test("a bar grows with its part, and is as wide as it was asked to be", () => {
  assertEquals(bar(0, 4, "unicode"), "····");
  assertEquals(bar(0.5, 4, "unicode"), "██··");
  assertEquals(bar(0.53125, 4, "unicode"), "██▏·");
  assertEquals(bar(1, 4, "unicode"), "████");
  assertEquals(bar(7, 4, "unicode"), "████");
  assertEquals([0, 0.5, 1].map((part) => bar(part, 4, "ascii")), ["....", "##..", "####"]);
  for (let part = 0; part <= 1; part += 1 / 512) {
    assertEquals(widthOf(bar(part, 10, "unicode")), 10, `${part}`);
  }
});

Deno.test("a sparkline is as high as the highest value, or as the least that full height means", () => {
  assertEquals(spark([0, 50, 100], 20, "unicode"), "▁▄█");
  assertEquals(spark([0, 10, undefined], 20, "unicode"), "▁▄ ");
  assertEquals(spark([0, 0], 0, "unicode"), "▁▁");
  assertEquals(spark([0, 100], 20, "ascii"), "_#");
});
