import { assertEquals } from "@std/assert";
import { type Key, KeyDecoder } from "../../../../../src/cli/top/keys.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const names = (keys: readonly Key[]) =>
  keys.map((key) => key.kind === "text" ? key.text : `<${key.kind}>`).join("");
const decoded = (...pieces: (string | Uint8Array)[]) => {
  const decoder = new KeyDecoder();
  const taken = pieces.map((piece) =>
    names(decoder.take(typeof piece === "string" ? bytes(piece) : piece))
  );
  return taken.join("") + names(decoder.end());
};

Deno.test("letters, controls and the sequences of keys, in each of their forms", () => {
  assertEquals(decoded("q/a é名"), "q/a é名");
  assertEquals(decoded("\x1b[A\x1bOB\x1b[H\x1b[F"), "<up><down><home><end>");
  assertEquals(decoded("\x1b[5~\x1b[6~\x1b[1~\x1b[4~"), "<pageUp><pageDown><home><end>");
  assertEquals(decoded("\x1b[1;5A"), "<up>"); // with Ctrl
  assertEquals(
    decoded("a\x7f\b\r\n\x15\x0c"),
    "a<backspace><backspace><enter><enter><clearLine><redraw>",
  );
});

Deno.test("a sequence that means no key here is dropped as a whole", () => {
  assertEquals(decoded("a\x1b[<0;10;20Mb\x1b[200~c\x1b[15~d\x1bOPe\x1b[?1;2ctop"), "abcdetop");
  assertEquals(decoded("\x00\x01x\x80"), "x"); // control characters type nothing
});

Deno.test("an ESC alone is a key once nothing follows it", () => {
  assertEquals(decoded("\x1b"), "<escape>");
  assertEquals(decoded("\x1bq"), "<escape>q");
  assertEquals(decoded("\x1b\x1b[A"), "<escape><up>");
  const decoder = new KeyDecoder();
  assertEquals(decoder.take(bytes("\x1b")), []);
  assertEquals(decoder.isMidway, true);
  assertEquals(names(decoder.take(bytes("[B"))), "<down>");
  assertEquals(decoder.isMidway, false);
});

Deno.test("sequences and characters may come in pieces, and an unfinished one is dropped", () => {
  assertEquals(decoded("\x1b", "[", "5", "~", "x"), "<pageUp>x");
  const sign = bytes("名");
  assertEquals(decoded(sign.slice(0, 1), sign.slice(1)), "名");
  assertEquals(decoded("\x1b[1"), "");
});

Deno.test("any bytes are taken apart without a failure", () => {
  const decoder = new KeyDecoder();
  for (let first = 0; first < 256; first++) {
    for (const second of [0, 0x1b, 0x5b, 0x7e, 0x80, 0xff, 0x41]) {
      for (const key of decoder.take(new Uint8Array([first, second]))) {
        if (key.kind === "text") assertEquals(/^\P{Cc}$/u.test(key.text), true);
      }
    }
  }
});
