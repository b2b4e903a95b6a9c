import { assertEquals, assertLess } from "@std/assert";
import { type Freezer, signalAll } from "../../../../src/cgroups/kill.ts";

const SIGTERM = 15;
/** Numbers that no process has: pidfd_open(2) finds nobody, and nobody gets the signal. */
const BEYOND = 2 ** 22;
/** After this the test ends what would go on for ever, as it never gives way. */
const LATE_MS = 10_000;

/** A freezer in which nothing comes to a stop. */
const deaf: Freezer = {
  request: () => {},
  hasFrozen: () => false,
  release: () => {},
  letDie: () => {},
};

/** For how long a signal to all goes on, in milliseconds. */
function durationOf(list: (round: number) => number[]): number {
  const start = performance.now();
  let round = 0;
  signalAll(
    () => {
      if (performance.now() - start > LATE_MS) throw new Error("it goes on");
      return list(round++);
    },
    deaf,
    SIGTERM,
  );
  return performance.now() - start;
}

Deno.test("a signal to all ends where a process can't be frozen", () => {
  assertLess(durationOf(() => [BEYOND]), LATE_MS);
});

Deno.test("a signal to all ends where others come on and on", () => {
  let rounds = 0;
  assertLess(durationOf((round) => [BEYOND + (rounds = round)]), LATE_MS);
  assertEquals(rounds > 2, true);
});
