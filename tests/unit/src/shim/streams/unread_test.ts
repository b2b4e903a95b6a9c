import { assert, assertEquals } from "@std/assert";
import { Poller } from "../../../../../ffi/waiting/poll.ts";
import { TaskStreams } from "../../../../../src/shim/streams/task_streams.ts";
import { openedSince, openFds } from "../../../../fixtures/open_fds.ts";
import { inTime, until } from "../../../../fixtures/until.ts";

/** A fifo, and the streams of a process whose output it is. */
class Bench implements Disposable {
  readonly fifo: string;
  readonly names: { terminal: boolean; stdin: string; stdout: string; stderr: string };
  readonly #folder = Deno.makeTempDirSync({ prefix: "hull-test-" });
  readonly #poller = new Poller();
  readonly #fds = openFds();

  constructor() {
    this.fifo = `${this.#folder}/out`;
    assert(new Deno.Command("mkfifo", { args: [this.fifo] }).outputSync().success);
    this.names = { terminal: false, stdin: "", stdout: this.fifo, stderr: "" };
  }

  get of() {
    return {
      id: "c",
      namespace: "n",
      owner: { uid: 0, gid: 0 },
      poller: this.#poller,
      socket: `${this.#folder}/socket`,
      keep: () => ({ [Symbol.dispose]: () => {} }),
    };
  }

  /** A process that writes, and ends. */
  async write(text: string): Promise<TaskStreams> {
    const streams = await TaskStreams.open(this.names, this.of);
    const path = `/proc/self/fd/${streams.options.stdout}`;
    Deno.writeTextFileSync(path, text, { append: true, create: false });
    streams.started();
    return streams;
  }

  /** What somebody reads until the end. */
  read(): Promise<string> {
    const reader = new Deno.Command("timeout", { args: ["20", "cat", this.fifo] });
    const read = reader.output().then(({ success, stdout }) => {
      assert(success, "it never ended");
      return new TextDecoder().decode(stdout);
    });
    return inTime("the reader", read);
  }

  /** Whether anything is open that was not at first. */
  async closed(): Promise<void> {
    await until(() => !openedSince(this.#fds).some((fd) => fd.includes(this.#folder)));
  }

  [Symbol.dispose](): void {
    this.#poller[Symbol.dispose]();
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

Deno.test("a client that opens a fifo after the process's end reads all, and its end", async () => {
  using bench = new Bench();
  const streams = await bench.write("late");
  const ended = streams.end();
  await new Promise((resolve) => setTimeout(resolve, 30));
  assertEquals(await bench.read(), "late");
  await inTime("the end", ended);
  await bench.closed();
});

Deno.test("a client that has a fifo open is told of the end at once, whatever it reads", async () => {
  using bench = new Bench();
  using reader = Deno.openSync(bench.fifo, { read: true, write: true });
  const streams = await bench.write("early");
  await inTime("the end", streams.end(), 1000);
  const bytes = new Uint8Array(16);
  assertEquals(reader.readSync(bytes), 5);
});

Deno.test("who has come and gone is not waited for, nor who never comes once all is taken away", async () => {
  using bench = new Bench();
  const gone = Deno.openSync(bench.fifo, { read: true, write: true });
  const left = await bench.write("");
  gone.close();
  await inTime("the end", left.end(), 1000);
  const alone = await bench.write("nobody reads this");
  const ended = alone.end();
  await alone[Symbol.asyncDispose]();
  await inTime("the end", ended, 1000);
  await bench.closed();
});

Deno.test("a process that ended under another program has its end told to who comes late", async () => {
  using bench = new Bench();
  const ended = TaskStreams.endLate(bench.names, bench.of, undefined);
  await new Promise((resolve) => setTimeout(resolve, 10));
  assertEquals(await bench.read(), "");
  await inTime("the end", ended);
  await bench.closed();
  await TaskStreams.endLate({ ...bench.names, stdout: `${bench.fifo}-gone` }, bench.of, undefined);
});
