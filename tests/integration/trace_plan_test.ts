/** What a trace shows of a start: the steps of its plan, whoever walks it. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { CLOCK, clockOrigin } from "../../ffi/program/clock.ts";
import type { ListedItem } from "../../init/listing/listing.ts";
import type { TraceEvent } from "../../mod.ts";
import { type Bundle, type Draft, makeBundle, scratchFolder } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import {
  assertInside,
  assertNested,
  assertOneAfterAnother,
  endOf,
  plannedSteps,
  readTrace,
  spanOf,
  spansOf,
  type Step,
  tracedSteps,
} from "../fixtures/trace_events.ts";
import { withFilter, withTime } from "../fixtures/traced_configs.ts";

/** Now, in microseconds since the boot. */
function now(): number {
  return Number(clockOrigin(CLOCK.monotonic)) / 1000 + performance.now() * 1000;
}

/** Which signals are ignored depends on who calls. */
function withoutSignals(steps: readonly Step[]): Step[] {
  return steps.map(([name, lines]) => [name, lines.filter((line) => !/^give signal/.test(line))]);
}

async function planOf(hull: Hull, kind: string, bundle: Bundle, id: string): Promise<Step[]> {
  const text = await hull.must("plan", "--json", "--init", kind, "-b", bundle.folder, id);
  return withoutSignals(plannedSteps(JSON.parse(text) as ListedItem[]));
}

/** A trace gives the child one fd more. */
function withTraceFd(steps: readonly Step[]): Step[] {
  return steps.map(([name, lines]) => {
    if (name !== "stdio") return [name, lines];
    const last = Number(/^put fd (\d+) in place: dup3$/.exec(lines.at(-1) ?? "")?.[1]);
    return [name, [...lines, `put fd ${last + 1} in place: dup3`]];
  });
}

function withMuch(config: Draft): void {
  config.mounts.push({ destination: "/data", type: "tmpfs", source: "tmpfs" });
  config.linux.namespaces?.push({ type: "user" });
  config.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 65536 }];
  config.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 65536 }];
  config.hooks = { createRuntime: [{ path: "/bin/true" }] };
}

const CONFIGS = { "the usual config": () => {}, withMuch, withFilter, withTime } as const;

for (const kind of ["direct", "reexec"]) {
  for (const [what, change] of Object.entries(CONFIGS)) {
    Deno.test(`a trace of run has the steps of the plan in its order: ${kind}, ${what}`, async () => {
      await compareWithPlan(kind, change);
    });
  }
}

async function compareWithPlan(kind: string, change: (config: Draft) => void): Promise<void> {
  await using hull = new Hull();
  using scratch = scratchFolder();
  using bundle = makeBundle("exit 7", change);
  const id = "hull-traced";
  const planned = await planOf(hull, kind, bundle, id);
  const [file, pidFile] = [`${scratch.path}/trace.json`, `${scratch.path}/pid`];
  const begin = now();
  const call = ["run", "--init", kind, "--pid-file", pidFile, "-b", bundle.folder, id];
  const { code, stderr } = await hull.call(["--trace", file, ...call]);
  const end = now();
  assertEquals([code, stderr], [7, ""]);
  const events = readTrace(file);
  const steps = spansOf(events, "plan");
  assertEquals(withoutSignals(tracedSteps(events)), withTraceFd(planned));
  assertNested(events);
  assertOneAfterAnother(steps);
  const whole = spanOf(events, "hull run");
  for (const event of [...steps, ...spansOf(events, "init")]) assertInside(event, whole);
  // One clock for all processes, which is the host's.
  for (const { ph, ts } of events) assert(ph === "M" || (ts > begin && ts < end), `${ts}`);
  const [first, last] = [steps[0], steps.at(-1)] as [TraceEvent, TraceEvent];
  assertInside(first, spanOf(events, "birth"));
  assert(first.ts >= spanOf(events, "clone the child").ts);
  // Behind a filter, which stands before the wait, no clock is read.
  if (change !== withFilter) assert(last.ts >= spanOf(events, "write the state").ts);
  assert(endOf(last) <= endOf(spanOf(events, "release")));
  const pid = Number(Deno.readTextFileSync(pidFile));
  assertEquals(new Set(steps.map((step) => step.pid)), new Set([pid]));
  const names = events.filter(({ ph }) => ph === "M").map(({ pid, args }) => [pid, args?.name]);
  assertEquals(names, [[whole.pid, "hull run"], [pid, `init of ${id}`]]);
  const laps = spansOf(events, "init").map(({ name }) => name);
  assertEquals(laps.includes("load init"), kind === "reexec");
}

Deno.test("a container that is created and started has a trace of each call", async () => {
  await using hull = new Hull();
  using scratch = scratchFolder();
  using bundle = makeBundle("sleep 600");
  const file = (name: string) => `${scratch.path}/${name}`;
  const id = "hull-traced";
  const create = ["create", "--init", "auto", "-b", bundle.folder, id];
  await hull.detach("--trace", file("create"), ...create);
  const created = readTrace(file("create"));
  const planned = (await planOf(hull, "auto", bundle, id)).map(([name]) => name);
  // Up to the wait for the start; the program is nobody's yet.
  assertEquals(tracedSteps(created).map(([name]) => name), planned.slice(0, -1));
  assertEquals([planned.at(-1), spansOf(created, "plan").at(-1)?.args?.open], ["exec", true]);
  await hull.must("--trace", file("start"), "start", id);
  const started = readTrace(file("start"));
  assertInside(spanOf(started, "let the program run"), spanOf(started, "hull start"));
  assert(spanOf(started, "hull start").ts > endOf(spanOf(created, "hull create")));
  assertEquals(spansOf(started, "plan"), []);
  await hull.must("--trace", file("delete"), "delete", "--force", id);
  spanOf(readTrace(file("delete")), "remove the cgroups");
});

Deno.test("in a pid namespace that is joined, each of the clones has its own steps", async () => {
  await using hull = new Hull();
  using scratch = scratchFolder();
  using first = makeBundle("sleep 600");
  await hull.detach("run", "-d", "-b", first.folder, "hull-traced-first");
  const { pid } = JSON.parse(await hull.must("state", "hull-traced-first"));
  using bundle = makeBundle("true", ({ linux }) => {
    linux.namespaces = linux.namespaces?.map((each) =>
      each.type === "pid" ? { ...each, path: `/proc/${pid}/ns/pid` } : each
    ) ?? [];
  });
  const file = `${scratch.path}/trace.json`;
  await hull.must("--trace", file, "run", "-b", bundle.folder, "hull-traced");
  const events = readTrace(file);
  const steps = spansOf(events, "plan");
  assertOneAfterAnother(steps);
  // A traced start goes by the launcher's own clones: only they share the trace's memory.
  const made = steps.map(({ name }) => name);
  assertEquals([made[0], made.at(-1), made.includes("pivot")], ["clone", "exec", true]);
  const pids = [...new Set(steps.map((step) => step.pid))];
  const names = new Map(
    events.filter(({ ph }) => ph === "M").map(({ pid, args }) => [pid, args?.name]),
  );
  assertEquals(pids.map((pid) => names.get(pid)), [
    "init of hull-traced: launcher",
    "init of hull-traced: the child that joins",
    "init of hull-traced",
  ]);
});

for (const kind of ["direct", "reexec"]) {
  for (const [what, change] of Object.entries(CONFIGS)) {
    Deno.test(`below a supervisor a start has the same steps: ${kind}, ${what}`, async () => {
      await using hull = new Hull();
      using scratch = scratchFolder();
      using bundle = makeBundle("sleep 600", change);
      const id = "hull-traced";
      const planned = await planOf(hull, kind, bundle, id);
      const [file, pidFile] = [`${scratch.path}/trace.json`, `${scratch.path}/pid`];
      const flags = ["-d", "--supervise", "--init", kind, "--pid-file", pidFile];
      await hull.detach("--trace", file, "run", ...flags, "-b", bundle.folder, id);
      const events = readTrace(file);
      const steps = spansOf(events, "plan");
      assertEquals(withoutSignals(tracedSteps(events)), withTraceFd(planned));
      assertNested(events);
      assertOneAfterAnother(steps);
      const [first, start] = [steps[0] as TraceEvent, spanOf(events, "start the supervisor")];
      assert(first.ts > start.ts && first.ts < endOf(start));
      const pid = Number(Deno.readTextFileSync(pidFile));
      assertEquals(new Set(steps.map((step) => step.pid)), new Set([pid]));
      // The supervisor stays; the trace's memory doesn't.
      const ppid = parentOf(pid);
      const maps = Deno.readTextFileSync(`/proc/${ppid}/maps`);
      assertStringIncludes(maps, "hull-supervisor");
      assert(!maps.includes("memfd:hull-trace"), maps);
      const fds = [...Deno.readDirSync(`/proc/${ppid}/fd`)]
        .map(({ name }) => Deno.readLinkSync(`/proc/${ppid}/fd/${name}`));
      assertEquals(fds.filter((path) => path.includes("memfd:hull-trace")), []);
    });
  }
}

function parentOf(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/^PPid:\t(\d+)$/m.exec(status)?.[1]);
}
