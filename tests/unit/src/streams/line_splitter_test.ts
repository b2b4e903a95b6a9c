import { assertEquals, assertLess } from "@std/assert";
import { LineSplitter } from "../../../../src/streams/line_splitter.ts";

Deno.test("pieces become lines, wherever they are cut", () => {
  const text = "one\n\ntwo\nthree";
  for (let size = 1; size <= text.length; size++) {
    const splitter = new LineSplitter();
    const lines: string[] = [];
    for (let at = 0; at < text.length; at += size) {
      lines.push(...splitter.take(text.slice(at, at + size)));
    }
    assertEquals([...lines, splitter.rest], ["one", "", "two", "three"]);
  }
});

Deno.test("a line without an end takes no more time for each piece than one with", () => {
  const splitter = new LineSplitter();
  const piece = "x".repeat(4096);
  const pieces = 16_384;
  const begin = performance.now();
  for (let k = 0; k < pieces; k++) splitter.take(piece);
  assertEquals(splitter.take("\n").map(({ length }) => length), [pieces * piece.length]);
  assertLess(performance.now() - begin, 10_000); // copied for each piece, it is minutes
});
