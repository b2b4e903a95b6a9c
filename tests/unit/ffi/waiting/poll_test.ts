import { assert, assertEquals } from "@std/assert";
import { read, writeAll } from "../../../../ffi/files/file.ts";
import { Pipe } from "../../../../ffi/files/pipe.ts";
import { EPOLLIN, Poller } from "../../../../ffi/waiting/poll.ts";
import { leavesNothing } from "../../../fixtures/leftovers.ts";

const BYTE = new Uint8Array([1]);

for (const lingers of [false, true]) {
  const lingerMs = lingers ? () => 1 : undefined;
  const kind = lingers ? "a poller that lingers" : "a poller";

  Deno.test(`${kind} tells of what comes at once, soon and late, each time to who waits for it`, async () => {
    await leavesNothing("hull-poll", async () => {
      using poller = new Poller({ lingerMs });
      using pipes = new DisposableStack();
      const all = [0, 0, 1, 20].map((ms) => ({ ms, pipe: pipes.use(new Pipe()) }));
      for (let round = 0; round < 20; round++) {
        const told = all.map(({ pipe }) => poller.wait(pipe.reader));
        for (const { ms, pipe } of all) {
          if (ms === 0) writeAll(pipe.writer, BYTE);
          else setTimeout(() => writeAll(pipe.writer, BYTE), ms);
        }
        for (const events of await Promise.all(told)) assert((events & EPOLLIN) !== 0);
        for (const { pipe } of all) assertEquals(read(pipe.reader, 2), BYTE);
      }
    });
  });

  Deno.test(`${kind} ends waits that are cancelled, and goes on with others`, async () => {
    await leavesNothing("hull-poll", async () => {
      using poller = new Poller({ lingerMs });
      using one = new Pipe();
      using other = new Pipe();
      for (let round = 0; round < 50; round++) {
        const cancelled = poller.wait(one.reader);
        const stays = round % 2 === 0 ? poller.wait(other.reader) : undefined;
        if (round % 3 === 0) await new Promise((resolve) => setTimeout(resolve, round % 4));
        poller.cancel(one.reader);
        assertEquals(await cancelled, 0);
        writeAll(other.writer, BYTE);
        assert(((await (stays ?? poller.wait(other.reader))) & EPOLLIN) !== 0);
        read(other.reader, 1);
      }
    });
  });

  Deno.test(`${kind} makes a wait's calls before it tells of its event`, async () => {
    await leavesNothing("hull-poll", async () => {
      using poller = new Poller({ lingerMs });
      using asking = new Pipe();
      using beside = new Pipe();
      const other = poller.wait(beside.reader);
      for (let round = 0; round < 5; round++) {
        const space = { space: 1, name: "byte" };
        const told = poller.waitAnd(asking.reader, EPOLLIN, [
          { label: "read", syscall: "read", args: [asking.reader.number, space, 1] },
        ]);
        writeAll(asking.writer, new Uint8Array([round]));
        const program = await told;
        if (program === undefined) { // it was waiting for the other one already, without these calls
          assert(!lingers);
          assertEquals(read(asking.reader, 1), new Uint8Array([round]));
          continue;
        }
        assertEquals(program.result("read"), 1);
        assertEquals(program.output("byte"), new Uint8Array([round]));
      }
      writeAll(beside.writer, BYTE);
      assert((await other & EPOLLIN) !== 0);
    });
  });
}

Deno.test("a poller that lingers leaves timers and turns their time", async () => {
  using poller = new Poller({ lingerMs: () => 1 });
  using pipe = new Pipe();
  const waiting = poller.wait(pipe.reader);
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  const begin = performance.now();
  while (ticks < 10) await new Promise((resolve) => setTimeout(resolve, 1));
  clearInterval(timer);
  for (let turn = 0; turn < 20; turn++) {
    const until = performance.now() + 2;
    while (performance.now() < until); // a piece of work without waits
    await poller.giveTurn();
  }
  assert(performance.now() - begin < 5000);
  poller.cancel(pipe.reader);
  assertEquals(await waiting, 0);
});

Deno.test("a poller that lingers long learns soon of a signal that came while it was at work", async () => {
  for (let round = 0; round < 3; round++) {
    using poller = new Poller({ lingerMs: () => 4000 });
    using pipe = new Pipe();
    const signalled = Promise.withResolvers<void>();
    const onSignal = () => signalled.resolve();
    Deno.addSignalListener("SIGUSR2", onSignal);
    const begin = performance.now();
    const waiting = poller.wait(pipe.reader);
    const fired = new Promise((resolve) => setTimeout(resolve, 5));
    Deno.kill(Deno.pid, "SIGUSR2");
    await Promise.all([signalled.promise, fired]);
    Deno.removeSignalListener("SIGUSR2", onSignal);
    poller.cancel(pipe.reader);
    assertEquals(await waiting, 0);
    assert(performance.now() - begin < 2000);
  }
});
