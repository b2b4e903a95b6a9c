import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { comesWithin, onAbort, pause, unlessAborted } from "../../../../ffi/waiting/abort.ts";
import { open, writeAll } from "../../../../ffi/files/file.ts";
import { tryLock } from "../../../../ffi/files/file_lock.ts";
import { waitForLock } from "../../../../ffi/waiting/lock.ts";
import { Pipe } from "../../../../ffi/files/pipe.ts";
import { Poller } from "../../../../ffi/waiting/poll.ts";

const REASON = new Error("enough");

/** What a wait threw. */
async function thrown(wait: () => Promise<unknown>): Promise<unknown> {
  try {
    return await wait().then((result) => `it came to ${result}`);
  } catch (error) {
    return error;
  }
}

Deno.test("an aborted wait throws the signal's very reason, before, during and not after", async () => {
  const never = new Promise<void>(() => {});
  assertStrictEquals(await thrown(() => unlessAborted(never, AbortSignal.abort(REASON))), REASON);
  const controller = new AbortController();
  let isReleased = false;
  const waiting = thrown(() =>
    unlessAborted(never, controller.signal, () => {
      isReleased = true;
    })
  );
  controller.abort(REASON);
  assertEquals(isReleased, true);
  assertStrictEquals(await waiting, REASON);
  const later = new AbortController();
  assertEquals(await unlessAborted(Promise.resolve(7), later.signal), 7);
  later.abort(REASON); // nobody listens any more
  assertStrictEquals(await thrown(() => pause(60_000, AbortSignal.abort(REASON))), REASON);
});

Deno.test("all waits of a poller that is to be cut short end, and those of its loop go on", async () => {
  using poller = new Poller();
  using one = new Pipe();
  using other = new Pipe();
  const controller = new AbortController();
  const short = poller.until(controller.signal);
  const waiting = [one, other].map(({ reader }) => thrown(() => short.wait(reader)));
  controller.abort(REASON);
  for (const wait of waiting) assertStrictEquals(await wait, REASON);
  assertStrictEquals(await thrown(() => short.wait(one.reader)), REASON);
  assertStrictEquals(await thrown(() => short.giveTurn()), REASON);
  // The fds are free to be waited for again.
  const readable = short.endless.wait(one.reader);
  writeAll(one.writer, new Uint8Array([1]));
  assertEquals(await readable & 1, 1);
});

Deno.test("a wait for a lock ends with an abort", async () => {
  const path = Deno.makeTempFileSync({ prefix: "hull-abort-" });
  using held = open(path);
  assertEquals(tryLock(held), true);
  using wanted = open(path);
  await assertRejects(() => waitForLock(wanted, 60_000, AbortSignal.timeout(20)), DOMException);
  Deno.removeSync(path);
});

Deno.test("who listens to an abort is called at once if it was before, and not behind its scope", () => {
  let calls = 0;
  const act = () => void calls++;
  onAbort(AbortSignal.abort(), act)[Symbol.dispose]();
  const controller = new AbortController();
  onAbort(controller.signal, act)[Symbol.dispose]();
  controller.abort();
  assertEquals(calls, 1);
});

Deno.test("a time that is longer than any timer does not end at once", async () => {
  const signal = AbortSignal.timeout(60);
  assertStrictEquals(await thrown(() => pause(2 ** 40, signal)), signal.reason);
  assertEquals(await comesWithin(pause(60), 2 ** 40), true);
});
