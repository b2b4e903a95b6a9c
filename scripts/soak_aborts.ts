/**
 * Starts and further processes that are aborted at random moments, of containers of all kinds. Prints
 * the seed and how many calls were aborted; fails if something is left behind.
 *
 * @module
 */

import { numbersOf } from "./numbers.ts";
import { AbortedCalls } from "../tests/fixtures/aborts.ts";
import { leavesNothing } from "../tests/fixtures/leftovers.ts";
import { Random } from "../tests/fixtures/random.ts";

const [count = 1000, seed = Date.now() & 0xffff] = numbersOf(Deno.args);
const NAME = "hull-soak-abort";

/** As many calls as shall be aborted; those that came to their end meanwhile are not counted. */
async function soak(what: string, call: (calls: AbortedCalls) => Promise<void>): Promise<void> {
  const begun = performance.now();
  await using calls = await AbortedCalls.begin(NAME, new Random(seed));
  while (calls.tally.aborted < count) await call(calls);
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  const { aborted, late } = calls.tally;
  console.log(`${what}: ${aborted} aborted, ${late} came to their end before, in ${seconds} s`);
}

console.log(`seed ${seed}`);
// What an engine keeps when it has had its first child; and it opens a pair of sockets for signals
// when the first listener comes, or by itself a moment later.
const ignored = () => {};
Deno.addSignalListener("SIGCHLD", ignored);
Deno.removeSignalListener("SIGCHLD", ignored);
await (await AbortedCalls.begin(NAME, new Random(seed)))[Symbol.asyncDispose]();
await leavesNothing(NAME, async () => {
  await soak("starts", (calls) => calls.start());
  await soak("execs", (calls) => calls.exec());
  await soak("runs in one call", (calls) => calls.run());
  await soak("further ones in one call", (calls) => calls.output());
});
console.log("nothing was left");
