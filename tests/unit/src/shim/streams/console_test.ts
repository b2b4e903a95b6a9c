/** What is on its way between a terminal and its fifos outlives the program that moves it. @module */

import { assert, assertEquals } from "@std/assert";
import { duplicate } from "../../../../../ffi/files/descriptor.ts";
import {
  type Fd,
  O_NOCTTY,
  O_NONBLOCK,
  O_RDWR,
  open,
  read,
} from "../../../../../ffi/files/file.ts";
import {
  openPeer,
  setTerminalSettings,
  terminalSettings,
} from "../../../../../ffi/sockets/terminal.ts";
import { Poller } from "../../../../../ffi/waiting/poll.ts";
import { tryWrite } from "../../../../../ffi/waiting/stream.ts";
import { Console } from "../../../../../src/shim/streams/console.ts";
import { TaskStreams } from "../../../../../src/shim/streams/task_streams.ts";
import { until } from "../../../../fixtures/until.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A terminal that changes nothing, with a fifo for each direction. */
class Bench implements Disposable {
  readonly master: Fd;
  readonly program: Fd;
  readonly input: Fd;
  readonly output: Fd;
  readonly #folder = Deno.makeTempDirSync({ prefix: "hull-test-" });
  readonly #poller = new Poller();

  constructor() {
    this.master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
    this.program = openPeer(this.master, O_RDWR | O_NOCTTY | O_NONBLOCK);
    const settings = terminalSettings(this.program.number);
    setTerminalSettings(this.program.number, { ...settings, input: 0, output: 0, local: 0 });
    [this.input, this.output] = ["in", "out"].map((name) => {
      const path = this.path(name);
      assert(new Deno.Command("mkfifo", { args: [path] }).outputSync().success);
      return open(path, O_RDWR | O_NONBLOCK);
    }) as [Fd, Fd];
  }

  /** What a program does for the terminal until it is killed; the terminal itself is kept. */
  connect(): Console {
    const shown = new Console(duplicate(this.master), this.#poller);
    shown.connect(this.input, this.output);
    return shown;
  }

  /** What another program has kept of a process with the terminal. */
  kept(input: string, output: string) {
    const names = {
      terminal: true,
      stdin: this.path(input),
      stdout: this.path(output),
      stderr: "",
    };
    const [id, namespace, owner] = ["c", "n", { uid: 0, gid: 0 }];
    const keep = () => ({ [Symbol.dispose]: () => {} });
    const of = { id, namespace, owner, poller: this.#poller, socket: this.path("socket"), keep };
    return [names, of, { fd: duplicate(this.master), kept: keep() }] as const;
  }

  path(name: string): string {
    return `${this.#folder}/${name}`;
  }

  [Symbol.dispose](): void {
    for (const fd of [this.master, this.program, this.input, this.output]) fd.close();
    this.#poller[Symbol.dispose]();
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

/** Writes until there is no room; a terminal makes some more by and by. */
async function fill(fd: Fd): Promise<number> {
  let size = 0;
  for (let before = -1; size !== before; await moment()) {
    before = size;
    for (let chunk = 1000; chunk >= 1;) {
      const written = tryWrite(fd, new Uint8Array(chunk).fill(46));
      if (written === undefined) chunk = chunk === 1000 ? 1 : 0;
      else size += written;
    }
  }
  return size;
}

function drain(fd: Fd): string {
  let text = "";
  for (let bytes = read(fd, 65_536); bytes !== undefined; bytes = read(fd, 65_536)) {
    text += decoder.decode(bytes);
  }
  return text;
}

/** Long enough for what is ready to be moved. */
const moment = () => new Promise((resolve) => setTimeout(resolve, 100));

Deno.test("what a terminal shows, and finds no room, stays in the terminal", async () => {
  using bench = new Bench();
  const size = await fill(bench.output);
  {
    using _killed = bench.connect();
    tryWrite(bench.program, encoder.encode("shown"));
    await moment();
  }
  assertEquals(drain(bench.output).length, size);
  using _next = bench.connect();
  let text = "";
  await until(() => (text += drain(bench.output)) === "shown");
});

Deno.test("what is typed, and finds no room, stays in the fifo", async () => {
  using bench = new Bench();
  const size = await fill(bench.master);
  {
    using _killed = bench.connect();
    tryWrite(bench.input, encoder.encode("typed"));
    await moment();
  }
  using _next = bench.connect();
  let text = "";
  await until(() => (text += drain(bench.program)).endsWith("typed"));
  assertEquals(text.length, size + "typed".length);
});

Deno.test("all that a terminal shows comes, to a reader who is slow", async () => {
  using bench = new Bench();
  using _copying = bench.connect();
  const lines = Array.from({ length: 30_000 }, (_, k) => `${k}\n`).join("");
  let rest = encoder.encode(lines);
  let text = "";
  await until(() => {
    rest = rest.subarray(tryWrite(bench.program, rest) ?? 0);
    const bytes = read(bench.output, 7000);
    if (bytes !== undefined) text += decoder.decode(bytes);
    return text.length === lines.length;
  }, 20);
  assertEquals(text, lines);
});

Deno.test("what a process showed last comes, though its end was kept and the program killed", async () => {
  using bench = new Bench();
  tryWrite(bench.program, encoder.encode("the last words"));
  const kept = bench.kept("in", "out");
  bench.program.close();
  await TaskStreams.endLate(...kept);
  assertEquals(drain(bench.output), "the last words");
  assert(!kept[2].fd.isOpen);
});

Deno.test("a terminal whose client has taken its fifos away does not stop its program", async () => {
  using bench = new Bench();
  await using _streams = TaskStreams.hold(...bench.kept("in", "gone"));
  let size = 0;
  await until(() => (size += tryWrite(bench.program, new Uint8Array(4000)) ?? 0) > 200_000);
});
