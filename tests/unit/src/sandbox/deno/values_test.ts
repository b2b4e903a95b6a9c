import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { decodeValue, encodeValue } from "../../../../../src/sandbox/deno/values.ts";

function passed<T>(value: T): T {
  return decodeValue(encodeValue(value)) as T;
}

Deno.test("values are the same on the other side", () => {
  const values = [
    undefined,
    null,
    true,
    "text\0\u{1f600}",
    0,
    -0,
    1.5,
    NaN,
    Infinity,
    -Infinity,
    12345678901234567890n,
    new Date(7),
    [1, [2, [undefined]], []],
    { a: { b: null }, "": 1 },
    new Map<unknown, unknown>([[{ key: 1 }, new Set([1, "1"])]]),
    new Uint8Array([1, 2, 255]),
    new Float16Array([1.5]),
    new Float64Array([1.5, -0]),
  ];
  for (const value of values) assertEquals(passed(value), value);
  assertEquals(passed(/a+/giu).flags, "giu");
  assert(Number.isNaN(passed(new Date(NaN)).getTime()));
  const error = passed(new RangeError("too far"));
  assertEquals([error instanceof Error, error.name, error.message], [
    true,
    "RangeError",
    "too far",
  ]);
});

Deno.test("what holds itself holds itself on the other side, and depth is no matter", () => {
  interface Ring {
    self?: Ring;
    twice?: unknown[];
  }
  const ring: Ring = {};
  ring.self = ring;
  const shared = { a: 1 };
  ring.twice = [shared, shared];
  const other = passed(ring);
  assertStrictEquals(other.self, other);
  assertStrictEquals(other.twice?.[0], other.twice?.[1]);
  let deep: unknown[] = [];
  for (let k = 0; k < 100_000; k++) deep = [deep];
  let depth = 0;
  for (let at = passed(deep); at.length > 0; at = at[0] as unknown[]) depth++;
  assertEquals(depth, 100_000);
});

Deno.test("what can't be passed on is refused", () => {
  for (const value of [() => 1, Symbol("s"), { deep: [() => 1] }]) {
    assertThrows(() => encodeValue(value), TypeError, "can't be passed on");
  }
});

Deno.test("a hostile text makes no value but of its kinds", () => {
  const texts = [
    "[]",
    "{}",
    "1",
    '["p"]',
    '[["z"]]',
    '[["a",1]]',
    '[["a",-1]]',
    '[["a","length"]]',
    '[["o","k","__proto__"]]',
    '[["p",{"a":1}]]',
    `[["b","${"9".repeat(20_000)}"]]`,
    '[["y","constructor","AA=="]]',
    '[["y","Function","AA=="]]',
  ];
  for (const text of texts) assertThrows(() => decodeValue(text), TypeError);
  const polluted = decodeValue('[["o","__proto__",1],["o","isPolluted",2],["p",true]]') as object;
  assertEquals(Object.hasOwn(polluted, "__proto__"), true);
  assertEquals("isPolluted" in polluted, false);
  assertEquals("isPolluted" in {}, false);
});
