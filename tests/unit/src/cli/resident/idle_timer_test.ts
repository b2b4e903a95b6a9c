import { assertEquals } from "@std/assert";
import { IdleTimer } from "../../../../../src/cli/resident/idle_timer.ts";

Deno.test("the time counts only while nothing is busy", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let count = 0;
  const timer = new IdleTimer(20, () => {
    count++;
    resolve();
  });
  {
    using _first = timer.busy();
    using _second = timer.busy();
    await new Promise((done) => setTimeout(done, 60));
    assertEquals(count, 0);
  }
  const alive = setInterval(() => {}, 1000); // the timer alone keeps no program
  await promise;
  clearInterval(alive);
  assertEquals(count, 1);
});
