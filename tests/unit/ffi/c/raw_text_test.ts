import { assertEquals } from "@std/assert";
import { cString } from "../../../../ffi/c/memory.ts";
import { decodeRaw, encodeRaw } from "../../../../ffi/c/raw_text.ts";
import { Random } from "../../../fixtures/random.ts";

Deno.test("any bytes are a text that gives them back, through JSON too", () => {
  const cases = [[], [0xff], [0xc3], [0xe2, 0x82], [0xed, 0xb3, 0xbf], [0xef, 0xbb, 0xbf, 0x41], [
    ...[0xf0, 0x9f, 0x98, 0x80, 0x80, 0xc3, 0xa4, 0xff],
  ]];
  const random = new Random(7);
  for (let k = 0; k < 300; k++) {
    cases.push([...random.bytes(random.below(12))]);
  }
  for (const bytes of cases) {
    const text = JSON.parse(JSON.stringify(decodeRaw(new Uint8Array(bytes))));
    assertEquals([...encodeRaw(text)], bytes);
  }
});

Deno.test("text is text, and half a character of UTF-16 is none", () => {
  for (const text of ["", "plain", "ä\u{1f600}", "\ufeffmark"]) {
    assertEquals(decodeRaw(new TextEncoder().encode(text)), text);
    assertEquals(encodeRaw(text), new TextEncoder().encode(text));
  }
  assertEquals(encodeRaw("a\ud800b"), new TextEncoder().encode("a\ufffdb"));
  assertEquals([...cString("x\udcff")], [0x78, 0xff, 0]);
});
