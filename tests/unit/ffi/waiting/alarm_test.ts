import { assert, assertEquals } from "@std/assert";
import { Alarm } from "../../../../ffi/waiting/alarm.ts";
import { Poller } from "../../../../ffi/waiting/poll.ts";
import { leavesNothing } from "../../../fixtures/leftovers.ts";

async function withAlarm(use: (alarm: Alarm) => Promise<void>): Promise<void> {
  await leavesNothing("hull-alarm", async () => {
    using poller = new Poller();
    using alarm = new Alarm(poller);
    await use(alarm);
  });
}

function ringing(alarm: Alarm, milliseconds: number, rung: number[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  alarm.after(milliseconds, () => {
    rung.push(milliseconds);
    resolve();
  });
  return promise;
}

Deno.test("an alarm rings in the order of time, and not too early", async () => {
  await withAlarm(async (alarm) => {
    const rung: number[] = [];
    const asked = [60, 5, 30].map((time) => {
      const at = performance.now() + time;
      return { at, time, done: ringing(alarm, time, rung).then(() => performance.now()) };
    });
    for (const { at, done } of asked) assert(await done >= at);
    // A busy machine may come between two of the calls.
    assertEquals(rung, asked.toSorted((a, b) => a.at - b.at).map(({ time }) => time));
  });
});

Deno.test("what is called off does not ring, and keeps nothing else from it", async () => {
  await withAlarm(async (alarm) => {
    const rung: number[] = [];
    const callOff = alarm.after(10, () => rung.push(10));
    const other = ringing(alarm, 20, rung);
    callOff();
    callOff();
    await other;
    assertEquals(rung, [20]);
    await ringing(alarm, 5, rung); // after it has rested
    assertEquals(rung, [20, 5]);
  });
});

Deno.test("an alarm that is disposed of rings no more", async () => {
  await leavesNothing("hull-alarm", async () => {
    using poller = new Poller();
    const rung: number[] = [];
    {
      using alarm = new Alarm(poller);
      alarm.after(10, () => rung.push(10));
    }
    using other = new Alarm(poller);
    await ringing(other, 30, rung);
    assertEquals(rung, [30]);
  });
});
