import { assert, assertEquals } from "@std/assert";
import { Deadlines } from "../../../../src/ttrpc/deadlines.ts";

const after = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

Deno.test("deadlines come in the order of time, whatever the order in which they were set", async () => {
  using deadlines = new Deadlines();
  const late: number[] = [];
  const begin = performance.now();
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const ms of [300, 5, 600, 150]) {
    deadlines.add(ms, () => {
      assert(performance.now() - begin >= ms);
      late.push(ms);
      if (ms === 600) resolve();
    });
  }
  await promise;
  assertEquals(late, [5, 150, 300, 600]);
});

Deno.test("a call that ended in time is not late, and those after it still are", async () => {
  using deadlines = new Deadlines();
  const late: string[] = [];
  for (let k = 0; k < 100; k++) deadlines.add(5, () => late.push("ended"))();
  const { promise, resolve } = Promise.withResolvers<void>();
  deadlines.add(15, resolve);
  await promise;
  deadlines.add(5, () => late.push("after a rest"));
  await after(50);
  assertEquals(late, ["after a rest"]);
});

Deno.test("a deadline may be set while another comes, and far away", async () => {
  using deadlines = new Deadlines();
  deadlines.add(2 ** 45, () => {});
  const { promise, resolve } = Promise.withResolvers<void>();
  deadlines.add(1, () => void deadlines.add(1, resolve));
  await promise;
});

Deno.test("deadlines that are disposed of never come", async () => {
  const late: string[] = [];
  {
    using deadlines = new Deadlines();
    deadlines.add(1, () => late.push("late"));
  }
  await after(20);
  assertEquals(late, []);
});
