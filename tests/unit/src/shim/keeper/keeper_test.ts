import { assert, assertEquals } from "@std/assert";
import { Poller } from "../../../../../ffi/waiting/poll.ts";
import { Pipe } from "../../../../../ffi/files/pipe.ts";
import { read, writeAll } from "../../../../../ffi/files/file.ts";
import { Keeper } from "../../../../../src/shim/keeper/keeper.ts";
import { until } from "../../../../fixtures/until.ts";
import { testWhere } from "../../../../fixtures/test_where.ts";

const missing = Deno.uid() === 0 ? undefined : "root";

testWhere(missing, "what is kept outlives who had it, and goes when it is dropped", () => {
  const folder = Deno.makeTempDirSync({ prefix: "hull-test-" });
  const first = Keeper.attach(folder, folder);
  try {
    using pipe = new Pipe();
    const number = first.keep(pipe.writer, { kind: "terminal", of: "a" });
    const other = first.keep(pipe.writer, { kind: "connection", of: "b" });
    pipe.writer.close();
    first.drop(other);
    const found = Keeper.attach(folder, folder).found();
    assertEquals(found.map(({ kind, of, number }) => ({ kind, of, number })), [
      { kind: "terminal", of: "a", number },
    ]);
    for (const { fd } of found) {
      writeAll(fd, Uint8Array.of(7));
      fd.close();
    }
    assertEquals(read(pipe.reader, 1), Uint8Array.of(7));
    first.drop(number);
    assertEquals(read(pipe.reader, 1)?.length, 0); // nobody has the other end any more
  } finally {
    first.end();
    Deno.removeSync(folder, { recursive: true });
  }
});

testWhere(missing, "what the index lacks is closed by the next one", () => {
  const folder = Deno.makeTempDirSync({ prefix: "hull-test-" });
  const first = Keeper.attach(folder, folder);
  try {
    using pipe = new Pipe();
    const number = first.keep(pipe.writer, { kind: "connection", of: "b" });
    pipe.writer.close();
    Deno.removeSync(`${folder}/${number}`); // as if killed before it was written
    assertEquals(Keeper.attach(folder, folder).found(), []);
    assertEquals(read(pipe.reader, 1)?.length, 0);
  } finally {
    first.end();
    Deno.removeSync(folder, { recursive: true });
  }
});

testWhere(missing, "a keeper that was killed is followed by an empty one", async () => {
  const folder = Deno.makeTempDirSync({ prefix: "hull-test-" });
  try {
    const first = Keeper.attach(folder, folder);
    using pipe = new Pipe();
    first.keep(pipe.writer, { kind: "connection", of: "b" });
    pipe.writer.close();
    first.end();
    await until(() => read(pipe.reader, 1)?.length === 0); // it has ended
    const second = Keeper.attach(folder, folder);
    assertEquals(second.found(), []);
    second.end();
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

testWhere(
  missing,
  "one that was killed is followed by one that has all that is still open",
  async () => {
    const folder = Deno.makeTempDirSync({ prefix: "hull-test-" });
    const keeper = Keeper.attach(folder, folder);
    const pid = (): number | undefined => {
      try {
        return JSON.parse(Deno.readTextFileSync(`${folder}/keeper.json`)).identity.pid;
      } catch {
        return undefined; // it is about to be written
      }
    };
    const kept = () =>
      Keeper.attach(folder, folder).found().map(({ fd, kind, of, number }) => {
        fd.close();
        return { kind, of, number };
      }).sort((a, b) => a.number - b.number);
    try {
      using pipe = new Pipe();
      using closed = new Pipe();
      const first = keeper.keep(pipe.writer, { kind: "terminal", of: "a" });
      keeper.keep(closed.writer, { kind: "connection", of: "b" });
      closed.writer.close();
      Deno.kill(pid() as number, "SIGKILL");
      const second = keeper.keep(pipe.reader, { kind: "fifo", of: "c" }); // by itself it sees to that
      assertEquals(kept(), [
        { kind: "terminal", of: "a", number: first },
        { kind: "fifo", of: "c", number: second },
      ]);
      using poller = new Poller();
      const watching = keeper.watch(poller);
      const before = pid() as number;
      Deno.kill(before, "SIGKILL");
      await until(() => ![before, undefined].includes(pid()));
      keeper.drop(first);
      assertEquals(kept(), [{ kind: "fifo", of: "c", number: second }]);
      assert(!isProcess(before));
      keeper.end();
      await watching;
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  },
);

function isProcess(pid: number): boolean {
  try {
    return Deno.statSync(`/proc/${pid}`).isDirectory;
  } catch {
    return false;
  }
}
