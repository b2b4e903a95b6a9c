import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { late, lateNew } from "../../../../src/own/late.ts";

/** A module in memory, that tells how often it was loaded. */
function fakeModule() {
  let loads = 0;
  const load = () => {
    loads++;
    return Promise.resolve({
      add: (one: number, other: number) => one + other,
      refuse: (why: string): never => {
        throw new TypeError(why);
      },
      Box: class {
        constructor(readonly held: string) {}
      },
    });
  };
  return { load, loads: () => loads };
}

Deno.test("a late function loads its module when it is called, not before", async () => {
  const { load, loads } = fakeModule();
  const add = late(load, "add");
  assertEquals(loads(), 0);
  assertEquals(await add(3, 4), 7);
  assertEquals(loads(), 1);
});

Deno.test("what a late function throws rejects, and what can't be loaded too", async () => {
  await assertRejects(() => late(fakeModule().load, "refuse")("no"), TypeError, "no");
  const broken = late(() => Promise.reject<{ f: () => void }>(new Error("not there")), "f");
  await assertRejects(() => broken(), Error, "not there");
});

Deno.test("a late class makes its objects", async () => {
  const { load } = fakeModule();
  const box = await lateNew(load, "Box")("seven");
  assertEquals(box.held, "seven");
  assertInstanceOf(box, Object);
});
