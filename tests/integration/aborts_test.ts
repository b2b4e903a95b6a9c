import { assert } from "@std/assert";
import { AbortedCalls } from "../fixtures/aborts.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { Random } from "../fixtures/random.ts";
import { inTime } from "../fixtures/until.ts";

const CALLS = 60;
const BOUND_MS = 120_000;

/** Makes aborted calls; prints the seed that chose them. */
async function abort(name: string, call: (calls: AbortedCalls) => Promise<void>): Promise<void> {
  const seed = Date.now() & 0xffff;
  console.log(`seed ${seed}`);
  await leavesNothing(name, async () => {
    // A zombie that is left in a pid namespace keeps the end of its container waiting for ever.
    const all = async () => {
      await using calls = await AbortedCalls.begin(name, new Random(seed));
      for (let k = 0; k < CALLS; k++) await call(calls);
      assert(calls.tally.aborted > CALLS / 10, `${calls.tally.aborted} were aborted`);
    };
    await inTime(`${CALLS} aborted calls`, all(), BOUND_MS);
  });
}

Deno.test("starts that are aborted at random moments leave nothing", async () => {
  await abort("hull-abs", (calls) => calls.start());
});

Deno.test("further processes that are aborted at random moments leave nothing", async () => {
  await abort("hull-abx", (calls) => calls.exec());
});

Deno.test("starts into another's pid namespace that are aborted leave no zombie there", async () => {
  await abort("hull-abj", (calls) => calls.startJoining());
});
