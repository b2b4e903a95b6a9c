import { assertEquals, assertThrows } from "@std/assert";
import { decode, encode } from "../../../../src/systemd/marshal.ts";
import { DBusFormatError, parseSignature } from "../../../../src/systemd/signature.ts";
import { randomSignature, randomValue } from "../../../fixtures/dbus_values.ts";
import { forSeeds } from "../../../fixtures/random.ts";

Deno.test("all values come back as they were, in both byte orders", () => {
  forSeeds(3000, (random) => {
    const signature = randomSignature(random);
    const values = parseSignature(signature).map((type) => randomValue(random, type));
    for (const isLittle of [true, false]) {
      const bytes = encode(signature, values, isLittle);
      assertEquals(decode(signature, bytes, 0, isLittle), values, signature);
    }
  });
});

Deno.test("bytes that were changed or cut give values or an error that says so", () => {
  let errors = 0;
  forSeeds(3000, (random) => {
    const signature = randomSignature(random);
    const values = parseSignature(signature).map((type) => randomValue(random, type));
    const bytes = encode(signature, values);
    for (let k = 0; k < 3 && bytes.length > 0; k++) {
      bytes[random.below(bytes.length)] = random.of(0, 1, 127, 255, random.below(256));
    }
    const cut = random.maybe(() => bytes.subarray(0, random.below(bytes.length + 1))) ?? bytes;
    try {
      const found = decode(signature, cut);
      assertEquals(decode(signature, encode(signature, found)), found);
    } catch (error) {
      if (!(error instanceof DBusFormatError)) throw error;
      errors++;
    }
  });
  assertEquals(errors > 1000, true, `${errors} errors`);
});

Deno.test("values begin where their types may", () => {
  assertEquals(
    encode("yt", [1, 2n]),
    new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]),
  );
  assertEquals(encode("at", [[]]), new Uint8Array(8)); // padded even if it is empty
  assertEquals(encode("q", [0x102], false), new Uint8Array([1, 2]));
  assertEquals(encode("s", ["ab"]), new Uint8Array([2, 0, 0, 0, 97, 98, 0]));
  assertEquals(
    encode("v", [{ signature: "u", value: 5 }]),
    new Uint8Array([1, 117, 0, 0, 5, 0, 0, 0]),
  );
});

Deno.test("decoding begins at the offset, and places are counted from the first byte", () => {
  const bytes = encode("yyu", [1, 2, 3]);
  assertEquals(decode("yu", bytes, 1), [2, 3]);
});

Deno.test("dictionaries are taken as maps, pairs and objects; bytes as numbers", () => {
  const bytes = encode("a{su}", [new Map([["a", 1], ["b", 2]])]);
  assertEquals(encode("a{su}", [[["a", 1], ["b", 2]]]), bytes);
  assertEquals(encode("a{su}", [{ a: 1, b: 2 }]), bytes);
  assertEquals(encode("ay", [[1, 255]]), encode("ay", [new Uint8Array([1, 255])]));
  assertEquals(encode("t", [7]), encode("t", [7n]));
});

Deno.test("what is no value of its type is refused", () => {
  const cases: Readonly<Record<string, readonly unknown[]>> = {
    y: [256, -1, "1"],
    n: [40000],
    u: [2 ** 32, 1.5, NaN],
    t: [-1n, 1n << 64n],
    x: [1n << 63n, 2 ** 60],
    b: [1, "true"],
    d: [1n],
    s: ["a\0b", "\ud800", 1],
    o: ["a", "/a/", "//", "/a\n", ""],
    g: ["a", "{ss}"],
    v: [1, undefined, { signature: "uu", value: 1 }],
    as: ["text", new Uint8Array(1)],
    "a{ss}": ["text", [["a"]]],
    "(su)": [["a"], "ab"],
  };
  for (const [signature, values] of Object.entries(cases)) {
    for (const value of values) {
      assertThrows(() => encode(signature, [value]), DBusFormatError, undefined, signature);
    }
  }
  assertThrows(() => encode("uu", [1]), DBusFormatError, "1 values");
});

Deno.test("signatures that D-Bus forbids are refused", () => {
  const forbidden = ["a", "(", "()", "(s", "s)", "{ss}", "a{s}", "a{sss}", "a{vs}", "a{(s)s}", "z"];
  const deep = ["a".repeat(33) + "y", "(".repeat(33) + "y" + ")".repeat(33), "y".repeat(256)];
  for (const signature of [...forbidden, ...deep, "é"]) {
    assertThrows(() => parseSignature(signature), DBusFormatError, undefined, signature);
  }
  assertEquals(parseSignature("a".repeat(32) + "(".repeat(32) + "y" + ")".repeat(32)).length, 1);
});

Deno.test("hostile bytes give an error at once", () => {
  const word = (number: number) => [...new Uint8Array(new Uint32Array([number]).buffer)];
  const cases: [string, number[], string][] = [
    ["ay", word(0xffffffff), "64 MiB"],
    ["au", word(64 * 1024 * 1024 + 4), "64 MiB"],
    ["au", word(64 * 1024 * 1024), "end before"],
    ["s", word(0xffffffff), "end before"],
    ["s", [...word(1), 97, 98], "does not end"],
    ["s", [...word(2), 97, 0, 0], "does not end"],
    ["s", [...word(1), 0xff, 0], "not UTF-8"],
    ["o", [...word(1), 97, 0], "no path"],
    ["b", word(2), "boolean"],
    ["yu", [0, 1, 0, 0, ...word(1)], "padding"],
    ["au", [...word(3), 1, 2, 3, 0], "middle"],
    ["u", [...word(1), 0], "behind"],
    ["g", [1, 97, 0], "signature"],
    ["v", [0, 0], "one type"],
    ["v", [2, 117, 117, 0, ...word(1)], "one type"],
    ["as", [...word(5), ...word(9), 97], "end before"],
  ];
  for (const [signature, bytes, message] of cases) {
    const decoded = () => decode(signature, new Uint8Array(bytes));
    assertThrows(decoded, DBusFormatError, message, signature);
  }
  // Variants within variants, three bytes each: deeper than the stack would be.
  const nested = new Uint8Array(3_000_000).map((_, k) => k % 3 === 0 ? 1 : k % 3 === 1 ? 118 : 0);
  assertThrows(() => decode("v", nested), DBusFormatError, "too deeply");
});

Deno.test("values are nested 64 times at most", () => {
  const nested = (depth: number): unknown =>
    depth === 0 ? { signature: "y", value: 1 } : { signature: "v", value: nested(depth - 1) };
  assertEquals(decode("v", encode("v", [nested(63)])), [nested(63)]);
  assertThrows(() => encode("v", [nested(64)]), DBusFormatError, "too deeply");
});

Deno.test("an array of 64 MiB is written, a longer one is not", () => {
  const most = 64 * 1024 * 1024;
  assertEquals(encode("ay", [new Uint8Array(most)]).length, most + 4);
  assertThrows(() => encode("ay", [new Uint8Array(most + 1)]), DBusFormatError, "64 MiB");
});
