import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ContainerError } from "../../../../src/errors.ts";
import type { ParentProcess } from "../../../../src/process/parent_process.ts";
import type { Pipes } from "../../../../src/driver/pipes.ts";
import { Wiring } from "../../../../src/driver/wiring.ts";
import { CLAIM } from "../../../../src/process/process_claim.ts";
import { Process } from "../../../../src/process.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A process whose output is what a test gives. */
function startedProcess(stdout: ReadableStream<Bytes>): Process {
  const process = new Process();
  process[CLAIM]().attach({} as ParentProcess, { stdout });
  return process;
}

/** As much output as is asked for; tells when nobody reads any more. */
function endlessOutput() {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  let pulls = 0;
  const stream = new ReadableStream<Bytes>({
    pull(controller) {
      pulls++;
      controller.enqueue(new Uint8Array(1000));
    },
    cancel: resolve,
  }, { highWaterMark: 0 });
  return { stream, cancelled: promise, pulls: () => pulls };
}

Deno.test("web streams become pipes, a file an fd of it, nothing is null", () => {
  using wiring = new Wiring({ stdout: new WritableStream(), stderr: { file: "/dev/null" } }, false);
  assertEquals([wiring.stdio.stdin, wiring.stdio.stdout], ["null", "piped"]);
  assertEquals(Deno.readLinkSync(`/proc/self/fd/${wiring.stdio.stderr}`), "/dev/null");
  using inherited = new Wiring({ stdin: "inherit", stdout: 7 }, false);
  assertEquals(inherited.stdio, { stdin: "inherit", stdout: 7, stderr: "null" });
});

Deno.test("a stream in use, one given twice, and what does not go with a terminal are refused", () => {
  const taken = new WritableStream<Bytes>();
  taken.getWriter();
  const twice = new WritableStream<Bytes>();
  const refused: readonly (readonly [Pipes, boolean])[] = [
    [{ stdout: taken }, false],
    [{ stdout: twice, stderr: twice }, false],
    [{ stdout: { file: "/dev/null" } }, true],
    [{ stderr: new WritableStream<Bytes>() }, true],
    [{ stdin: "inherit" }, true],
  ];
  for (const [pipes, hasTerminal] of refused) {
    const error = assertThrows(() => new Wiring(pipes, hasTerminal), ContainerError);
    assertEquals(error.code, "ConfigInvalid");
  }
});

Deno.test("no more is read than the sink takes", async () => {
  const output = endlessOutput();
  const gone = new AbortController();
  using wiring = new Wiring(
    { stdout: new WritableStream({ write: () => new Promise<void>(() => {}) }) },
    false,
  );
  const flows = wiring.begin(startedProcess(output.stream), gone.signal);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assertEquals(output.pulls() <= 3, true, `${output.pulls()} chunks were read`);
  // An abort frees it, though the sink's write never ends.
  gone.abort("enough");
  await flows.drained();
  await output.cancelled;
});

Deno.test("a sink that fails while nothing is written ends the pipe, with a signal and without", async () => {
  for (const signal of [undefined, new AbortController().signal]) {
    const { promise: cancelled, resolve } = Promise.withResolvers<unknown>();
    const silent = new ReadableStream<Bytes>({ cancel: resolve });
    let fail: (reason: unknown) => void = () => {};
    const stdout = new WritableStream<Bytes>({
      start: (controller) => {
        fail = (reason) => controller.error(reason);
      },
    });
    using wiring = new Wiring({ stdout }, false);
    const flows = wiring.begin(startedProcess(silent), signal);
    fail("gone");
    assertEquals(await cancelled, "gone");
    await flows.drained();
  }
});

Deno.test("an abandoned wiring tells the other ends why", async () => {
  const reason = new Error("no container");
  let cancelled: unknown;
  const stdin = new ReadableStream<Bytes>({ cancel: (why) => void (cancelled = why) });
  const { readable, writable } = new TransformStream<Bytes, Bytes>();
  using wiring = new Wiring({ stdin, stdout: writable }, false);
  const text = new Response(readable).text();
  await Promise.all([assertRejects(() => text, Error, "no container"), wiring.abandon(reason)]);
  assertEquals(cancelled, reason);
});
