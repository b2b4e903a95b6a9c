import { deepStrictEqual } from "node:assert";
import {
  assert,
  assertArrayIncludes,
  assertEquals,
  assertExists,
  AssertionError,
  assertMatch,
  assertNotEquals,
  assertObjectMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  equal,
} from "./mod.ts";

const PAIRS: readonly (readonly [unknown, unknown])[] = [
  [1, 1],
  [1, "1"],
  [NaN, NaN],
  [null, undefined],
  [[1, [2]], [1, [2]]],
  [[1, [2]], [1, [3]]],
  [[1], [1, undefined]],
  [{ a: 1, b: [2] }, { b: [2], a: 1 }],
  [{ a: 1 }, { a: 1, b: undefined }],
  [new Set([{ a: 1 }, 2]), new Set([2, { a: 1 }])],
  [new Set([1]), new Set([2])],
  [new Map([["a", { b: 1 }]]), new Map([["a", { b: 1 }]])],
  [new Map([["a", { b: 1 }]]), new Map([["a", { b: 2 }]])],
  [new Date(5), new Date(5)],
  [new Date(5), new Date(6)],
  [/a/g, /a/g],
  [/a/g, /a/],
  [new Uint8Array([1, 2]), new Uint8Array([1, 2])],
  [new Uint8Array([1, 2]), new Uint8Array([1, 3])],
  [new Uint8Array([1]), [1]],
  [new Error("a"), new Error("a")],
  [new Error("a"), new Error("b")],
  [new Error("a"), new TypeError("a")],
  [1n, 1n],
  [Symbol.iterator, Symbol.iterator],
];

Deno.test("equality agrees with the platform's own deep comparison", () => {
  for (const [a, b] of PAIRS) {
    let expected = true;
    try {
      deepStrictEqual(a, b);
    } catch {
      expected = false;
    }
    assert(equal(a, b) === expected, `${Deno.inspect(a)} and ${Deno.inspect(b)}`);
  }
});

Deno.test("equality ends on values that hold themselves", () => {
  const a: Record<string, unknown> = { n: 1 };
  a.self = a;
  const b: Record<string, unknown> = { n: 1 };
  b.self = b;
  assert(equal(a, b));
  b.n = 2;
  assert(!equal(a, b));
});

Deno.test("a failed assertion says what differs", () => {
  const error = assertThrows(() => assertEquals([1, 2], [1, 3], "numbers"), AssertionError);
  assertStringIncludes(error.message, "numbers");
  assertStringIncludes(error.message, "-     2");
  assertStringIncludes(error.message, "+     3");
});

Deno.test("each assertion fails where it must", async () => {
  const failing: (() => void)[] = [
    () => assert(0),
    () => assertEquals(1, 2),
    () => assertNotEquals({ a: 1 }, { a: 1 }),
    () => assertStrictEquals([], []),
    () => assertExists(null),
    () => assertMatch("a", /b/),
    () => assertStringIncludes("a", "b"),
    () => assertArrayIncludes([1], [2]),
    () => assertObjectMatch({ a: 1 }, { b: 1 }),
    () => assertThrows(() => {}),
    () =>
      assertThrows(() => {
        throw new Error("a");
      }, TypeError),
    () =>
      assertThrows(
        () => {
          throw new Error("a");
        },
        Error,
        "b",
      ),
  ];
  for (const run of failing) {
    let caught: unknown;
    try {
      run();
    } catch (error) {
      caught = error;
    }
    if (!(caught instanceof AssertionError)) throw new Error(`did not fail: ${run}`);
  }
  await assertRejects(() => assertRejects(() => Promise.resolve()), AssertionError);
  await assertRejects(() => Promise.reject(new TypeError("why")), TypeError, "why");
  assertObjectMatch({ a: { b: 1, c: 2 }, d: 3 }, { a: { b: 1 } });
});
