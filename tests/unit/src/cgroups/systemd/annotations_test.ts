import { assertEquals, assertThrows } from "@std/assert";
import { annotatedProperties } from "../../../../../src/cgroups/systemd/annotations.ts";
import { parseVariant } from "../../../../../src/cgroups/systemd/variant_text.ts";
import { ContainerError } from "../../../../../src/errors.ts";

Deno.test("a text with its type is a value", () => {
  const cases: [string, string, unknown][] = [
    ["'a text'", "s", "a text"],
    [`"it's"`, "s", "it's"],
    ["'a\\'b\\n\\u00e9\\\\'", "s", "a'b\né\\"],
    ["true", "b", true],
    [" false ", "b", false],
    ["5", "i", 5],
    ["-5", "i", -5],
    ["0x1f", "i", 31],
    ["5.5", "d", 5.5],
    ["double 5", "d", 5],
    ["1e3", "d", 1000],
    ["uint64 5", "t", 5n],
    ["uint64 18446744073709551615", "t", 18446744073709551615n],
    ["int64 -1", "x", -1n],
    ["byte 0xff", "y", 255],
    ["uint32 7", "u", 7],
    ["@t 5", "t", 5n],
    ["@s 'x'", "s", "x"],
    ["objectpath '/a'", "o", "/a"],
    ["signature 'as'", "g", "as"],
    ["['a', 'b']", "as", ["a", "b"]],
    ["[uint32 1, 2]", "au", [1, 2]],
    ["[@t 1, 2]", "at", [1n, 2n]],
    ["@as []", "as", []],
    ["('a', uint64 1)", "(st)", ["a", 1n]],
    ["[('/dev/null', 'rw')]", "a(ss)", [["/dev/null", "rw"]]],
    ["@a(st) [('/dev/sda', 5)]", "a(st)", [["/dev/sda", 5n]]],
    ["{'a': 1, 'b': 2}", "a{si}", [["a", 1], ["b", 2]]],
    ["<'a'>", "v", { signature: "s", value: "a" }],
    ["@a{sat} {'a': [1]}", "a{sat}", [["a", [1n]]]],
  ];
  for (const [text, signature, value] of cases) {
    assertEquals(parseVariant(text), { signature, value }, text);
  }
});

Deno.test("what is no value is refused", () => {
  const wrong = [
    "",
    "plain",
    "'open",
    "[1, 'a']",
    "[]",
    "{}",
    "(1",
    "5 6",
    "uint64 -1",
    "byte 256",
    "3000000000",
    "uint64 'a'",
    "@t 'a'",
    "@",
    "@s 5",
    "1.2.3",
    "nan",
    "'\\u12'",
    "'\\U00110000'",
    "uint64 int32 5",
    "[".repeat(50) + "1" + "]".repeat(50),
  ];
  for (const text of wrong) assertThrows(() => parseVariant(text), SyntaxError, undefined, text);
});

Deno.test("annotations give the unit properties, a time in seconds in microseconds", () => {
  const read = (annotations: Record<string, string>) => annotatedProperties(annotations);
  assertEquals(read({ "org.example.x": "nothing", "org.systemd.propertyX": "nothing" }), []);
  assertEquals(
    read({
      "org.systemd.property.CollectMode": "'inactive-or-failed'",
      "org.systemd.property.TimeoutStopSec": "uint64 123456",
      "org.systemd.property.RuntimeMaxSec": "1.5",
      "org.systemd.property.TimeoutStopUSec": "uint64 7",
      "org.systemd.property.XSec": "uint64 7",
      "org.systemd.property.After": "['a.service', 'b.service']",
    }),
    [
      ["CollectMode", { signature: "s", value: "inactive-or-failed" }],
      ["TimeoutStopUSec", { signature: "t", value: 123456000000n }],
      ["RuntimeMaxUSec", { signature: "t", value: 1500000n }],
      ["TimeoutStopUSec", { signature: "t", value: 7n }],
      ["XSec", { signature: "t", value: 7n }],
      ["After", { signature: "as", value: ["a.service", "b.service"] }],
    ],
  );
});

Deno.test("an annotation that is no property is refused by its name", () => {
  const wrong: [string, string][] = [
    ["", "'a'"],
    ["No", "'a'"],
    ["Bad_Name", "'a'"],
    ["Description", "a"],
    ["TimeoutStopSec", "'long'"],
    ["TimeoutStopSec", "-1"],
    ["TimeoutStopSec", "1e999"],
    ["TimeoutStopSec", "uint64 18446744073709551615"],
  ];
  for (const [name, text] of wrong) {
    const key = `org.systemd.property.${name}`;
    const error = assertThrows(() => annotatedProperties({ [key]: text }), ContainerError);
    assertEquals([error.code, error.pointer], ["ConfigInvalid", `/annotations/${key}`], key);
  }
});
