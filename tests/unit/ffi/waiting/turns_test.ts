import { assertEquals } from "@std/assert";
import { writeAll } from "../../../../ffi/files/file.ts";
import { Pipe } from "../../../../ffi/files/pipe.ts";
import { Poller } from "../../../../ffi/waiting/poll.ts";
import { Turns } from "../../../../ffi/waiting/turns.ts";

/** As many as a piece of work has here; where nobody waits for a turn, another begins meanwhile. */
const STEPS = 2;

/** Notes when a piece of work begins, and when all has been done that follows it at once. */
async function work(waited: Promise<unknown>, name: string, log: string[]): Promise<void> {
  await waited;
  log.push(`${name} begins`);
  for (let k = 0; k < STEPS; k++) await null;
  log.push(`${name} ends`);
}

Deno.test("each who waits for a turn of the event loop gets one alone", async () => {
  const turns = new Turns();
  const log: string[] = [];
  await Promise.all(["a", "b", "c"].map((name) => work(turns.next(), name, log)));
  assertEquals(log, ["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
  await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals(turns.areDue, true);
});

Deno.test("what happens at once is told one after another, in turns of the event loop", async () => {
  using poller = new Poller();
  using first = new Pipe();
  using second = new Pipe();
  for (const { writer } of [first, second]) writeAll(writer, new Uint8Array([1]));
  const log: string[] = [];
  await Promise.all([
    work(poller.wait(first.reader), "a", log),
    work(poller.wait(second.reader), "b", log),
  ]);
  assertEquals(log, ["a begins", "a ends", "b begins", "b ends"]);
});

Deno.test("a wait can be ended between what has happened and its turn", async () => {
  using poller = new Poller();
  using first = new Pipe();
  using second = new Pipe();
  for (const { writer } of [first, second]) writeAll(writer, new Uint8Array([1]));
  const waits = [poller.wait(first.reader), poller.wait(second.reader)] as const;
  assertEquals(await waits[0], 1);
  poller.cancel(second.reader);
  assertEquals(await waits[1], 0);
  // The fd can be waited on again at once, and the event of before is not told.
  assertEquals(await poller.wait(second.reader), 1);
});
