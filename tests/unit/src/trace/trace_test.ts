import { assert, assertEquals, assertGreater, assertRejects, assertThrows } from "@std/assert";
import { ContainerError } from "../../../../src/errors.ts";
import { Trace, type TraceEvent } from "../../../../src/trace/trace.ts";
import { traced } from "../../../../src/trace/traced.ts";

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function spans(trace: Trace): Promise<TraceEvent[]> {
  return (await trace.json()).traceEvents.filter(({ ph }) => ph === "X");
}

const end = ({ ts, dur = 0 }: TraceEvent) => ts + dur;
/** A tenth of a nanosecond: what is left of the digits. */
const EXACT = 1e-4;

Deno.test("spans are events of Chrome's format, in the order of time, one in another", async () => {
  const trace = new Trace("the test");
  const { main } = trace;
  const result = await main.span("outer", async () => {
    main.span("first", () => {});
    await wait(5);
    return main.span("second", () => 7);
  });
  assertEquals(result, 7);
  const json = JSON.parse(JSON.stringify(await trace.json()));
  assertEquals(json.displayTimeUnit, "ms");
  const [name] = json.traceEvents;
  assertEquals([name.ph, name.name, name.pid, name.args], ["M", "process_name", Deno.pid, {
    name: "the test",
  }]);
  const events = await spans(trace);
  assertEquals(events.map((event) => event.name), ["outer", "first", "second"]);
  const [outer, first, second] = events as [TraceEvent, TraceEvent, TraceEvent];
  for (const event of events) {
    assertEquals([event.cat, event.pid, event.tid], ["parent", Deno.pid, Deno.pid]);
    assert(event.dur !== undefined && event.dur >= 0);
  }
  assert(outer.ts <= first.ts && end(first) <= second.ts && end(second) <= end(outer) + EXACT);
  assertGreater(outer.dur ?? 0, 4000, "microseconds");
});

Deno.test("a span that lies behind is added, before what follows", async () => {
  const trace = new Trace();
  trace.main.span("later", () => {});
  trace.main.add("load", 0, 1.5);
  const events = await spans(trace);
  assertEquals(events.map(({ name, dur }) => [name, name === "load" ? dur : 0]), [
    ["load", 1500],
    ["later", 0],
  ]);
});

Deno.test("what fails says so in the innermost span alone, and is thrown on", async () => {
  const trace = new Trace();
  const { main } = trace;
  const error = new ContainerError("InitFailed", "cannot mount", {
    step: "mounts",
    syscall: "fsopen",
    errno: "ENODEV",
  });
  const fail = () =>
    main.span("inner", () => {
      throw error;
    });
  assertEquals(assertThrows(() => main.span("outer", fail)), error);
  const late = new Error("late");
  const failLate = () => main.span("inner", () => Promise.reject(late));
  assertEquals(await assertRejects(() => main.span("outer", failLate)), late);
  const args = (await spans(trace)).map(({ args }) => args);
  const { error: said } = args[1] as { error: Record<string, unknown> };
  assertEquals([args[0], args[2]], [{ failed: true }, { failed: true }]);
  assertEquals([said.code, said.step, said.syscall, said.errno], [
    "InitFailed",
    "mounts",
    "fsopen",
    "ENODEV",
  ]);
  assertEquals(args[3], { error: { message: "late" } });
});

Deno.test("a span that goes on is there as far as it has come", async () => {
  const trace = new Trace();
  let go = () => {};
  const work = trace.main.span("long", () => new Promise<void>((resolve) => go = resolve));
  const [open] = await spans(trace);
  assertEquals([open?.name, open?.args], ["long", { open: true }]);
  go();
  await work;
  assertEquals((await spans(trace)).map(({ args }) => args), [undefined]);
});

Deno.test("work at the same time goes on lanes of its own, and a free lane is taken again", async () => {
  const trace = new Trace();
  const work = async (name: string) => {
    using taken = trace.take();
    await taken.lane.span(name, () => wait(2));
  };
  await Promise.all([work("a"), work("b")]);
  await work("c");
  const tids = new Map((await spans(trace)).map(({ name, tid }) => [name, tid]));
  assertEquals(tids.get("a"), Deno.pid);
  assertEquals(tids.get("c"), Deno.pid);
  assertGreater(tids.get("b") ?? 0, 4_194_304, "no thread's number");
});

Deno.test("a source is asked each time, and once more when it settles", async () => {
  const trace = new Trace();
  let count = 0;
  const source = (): TraceEvent[] => [
    { name: `plan ${++count}`, ph: "X", cat: "plan", ts: 1, dur: 1, pid: 1, tid: 1 },
  ];
  trace.add(source);
  const names = async () => (await spans(trace)).map(({ name }) => name);
  assertEquals([await names(), await names()], [["plan 1"], ["plan 2"]]);
  trace.settle(source);
  trace.settle(source);
  assertEquals([await names(), await names()], [["plan 3"], ["plan 3"]]);
});

Deno.test("without a trace work is just done", () => {
  assertEquals(traced(undefined, "work", () => 7), 7);
});

/** Steps with a private field, one of which calls another. */
class Steps {
  readonly #value = 7;

  birth(): Promise<number> {
    return Promise.resolve(this.awaitReady());
  }

  awaitReady(): number {
    return this.#value;
  }

  undo(why: string): never {
    throw new ContainerError("SystemError", why);
  }
}

Deno.test("steps that are watched are spans, whoever calls them, and those that fail say how", async () => {
  const trace = new Trace();
  const [watched, other] = [new Steps(), new Steps()];
  trace.main.watch(watched, "first");
  assertEquals([await watched.birth(), await other.birth()], [7, 7]);
  assertThrows(() => watched.undo("it can't be"), ContainerError, "it can't be");
  const events = await spans(trace);
  assertEquals(events.map(({ name }) => name), ["birth", "wait until init is ready", "undo"]);
  assertEquals((events[2]?.args?.error as Record<string, unknown>).code, "SystemError");
});
