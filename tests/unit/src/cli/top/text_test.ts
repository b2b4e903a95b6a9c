import { assert, assertEquals } from "@std/assert";
import { fit, fitEnds, fitRight, shown, widthOf } from "../../../../../src/cli/top/text.ts";

Deno.test("nothing that acts on a terminal is left of what others wrote", () => {
  for (let code = 0; code < 0x2100; code++) {
    const text = shown(String.fromCharCode(code));
    assertEquals(/[\p{Cc}\p{Cf}]/u.test(text), false, `U+${code.toString(16)}`);
  }
  assertEquals(shown("a\x1b]0;title\x07b"), "a\\u001b]0;title\\u0007b");
  assertEquals(shown("one\ntwo\tthree"), "one\\ntwo\\tthree");
  assertEquals(shown("\u202edrowssap\u2066"), "\\u202edrowssap\\u2066");
  assertEquals(shown("a\u200bb\ufe0f\ud800"), "a?b??");
  assertEquals(shown("e\u0301"), "é");
});

Deno.test("the width is that on the terminal", () => {
  const widths: [string, number][] = [
    ["", 0],
    ["plain", 5],
    ["é", 1],
    ["q\u0301\u0302", 1],
    ["名前", 4],
    ["ｆｕｌｌ", 8],
    ["한국", 4],
    ["🚀x", 3],
    ["𠀀", 2],
    ["▁█▏·…", 5],
  ];
  for (const [text, width] of widths) assertEquals(widthOf(text), width, text);
});

Deno.test("text fits its columns exactly, whatever it is", () => {
  assertEquals(fit("ab", 4), "ab  ");
  assertEquals(fit("abcdef", 4), "abc…");
  assertEquals(fit("abcdef", 4, "~"), "abc~");
  assertEquals(fit("名前名前", 5), "名前…");
  assertEquals(fit("名前名前", 4), "名… ");
  assertEquals(fitRight("12", 4), "  12");
  assertEquals(fitRight("名", 4), "  名");
  assertEquals(fitEnds("abcdef", 6), "abcdef");
  assertEquals(fitEnds("abcdef", 5), "ab…ef");
  assertEquals(fitEnds("abcdef", 4, "~"), "ab~f");
  assertEquals(fitEnds("名前名前", 6), "名…前");
  for (const text of ["", "a", "名前🚀", "q\u0301x", "long enough to be cut"]) {
    for (let width = 0; width < 12; width++) {
      assert(widthOf(fitEnds(text, width)) <= width, `${text} in ${width}`);
      assertEquals([widthOf(fit(text, width)), widthOf(fitRight(text, width))], [width, width]);
    }
  }
});
