import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { CLOCK, clockOrigin } from "../../ffi/program/clock.ts";
import { NAMESPACE_FLAGS } from "../../ffi/processes/namespaces.ts";
import { Poller } from "../../ffi/waiting/poll.ts";
import { openPidfd } from "../../ffi/processes/process.ts";
import type { ListedItem } from "../../init/listing/listing.ts";
import { becomeProgram } from "../../init/steps/process/final.ts";
import { type Container, Factory, Process, Trace, type TraceEvent } from "../../mod.ts";
import type { Config } from "../../src/config/types/config.ts";
import { SetnsProcess } from "../../src/exec/setns_process.ts";
import { UsherTrace } from "../../src/exec/usher_trace.ts";
import { type Bundle, type Draft, makeBundle, scratchFolder } from "../fixtures/bundle.ts";
import { FROM_SOURCES, Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { fromFileUrl } from "../fixtures/paths.ts";
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

function withFilter(config: Draft): void {
  config.linux.seccomp = {
    defaultAction: "SCMP_ACT_ALLOW",
    // A look at the clock behind the filter would end the start.
    syscalls: [{ names: ["clock_gettime"], action: "SCMP_ACT_KILL_PROCESS" }],
  };
}

/** In here the usual clock shows a time that is eleven days off. */
function withTime(config: Draft): void {
  config.linux.namespaces?.push({ type: "time" });
  config.linux.timeOffsets = { monotonic: { secs: 1_000_000 } };
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
  using bundle = makeBundle("sleep 60");
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

Deno.test("exec is traced up to the command, in a container with another clock too", async () => {
  for (const change of [() => {}, withFilter, withTime]) {
    await using hull = new Hull();
    using scratch = scratchFolder();
    using bundle = makeBundle("sleep 60", change);
    const file = `${scratch.path}/trace.json`;
    await hull.detach("run", "-d", "-b", bundle.folder, "hull-traced");
    const pidFile = `${scratch.path}/pid`;
    const call = ["exec", "--pid-file", pidFile, "hull-traced", "sh", "-c", "exit 3"];
    const { code, stderr } = await hull.call(["--trace", file, ...call]);
    assertEquals([code, stderr], [3, ""]);
    const events = readTrace(file);
    const steps = spansOf(events, "plan");
    assertNested(events);
    assertOneAfterAnother(steps);
    for (const step of steps) assertInside(step, spanOf(events, "exec"));
    const names = steps.map(({ name }) => name);
    assertEquals([names[0], names[1], names.at(-1)], ["join", "cgroups", "exec"]);
    assertEquals(names.includes("seccomp"), change === withFilter);
    const pid = Number(Deno.readTextFileSync(pidFile));
    const [usher, ...others] = new Set(steps.map((step) => step.pid));
    assertEquals(others, [pid]);
    const named = events.filter(({ ph, pid }) => ph === "M" && pid !== Deno.pid)
      .map(({ pid, args }) => [pid, args?.name]).slice(-2);
    assertEquals(named, [[usher, "exec in hull-traced: usher"], [pid, "exec in hull-traced"]]);
    const born = steps.filter((step) => step.pid === pid);
    assertEquals(born.map(({ args }) => args?.note !== undefined), born.map((_, k) => k > 0));
  }
});

Deno.test("exec is traced to its end where the usher becomes the process", async () => {
  await using hull = new Hull();
  using scratch = scratchFolder();
  using bundle = makeBundle("sleep 60", ({ linux, mounts }) => {
    linux.namespaces = linux.namespaces?.filter(({ type }) => type !== "pid") ?? [];
    mounts.splice(0, mounts.length, ...mounts.filter(({ type }) => type !== "proc"));
  });
  const [file, pidFile] = [`${scratch.path}/trace.json`, `${scratch.path}/pid`];
  await hull.detach("run", "-d", "-b", bundle.folder, "hull-traced");
  const call = ["exec", "--pid-file", pidFile, "hull-traced", "true"];
  await hull.must("--trace", file, ...call);
  const steps = spansOf(readTrace(file), "plan");
  assertOneAfterAnother(steps);
  const pid = Number(Deno.readTextFileSync(pidFile));
  assertEquals(new Set(steps.map((step) => step.pid)), new Set([pid]));
  assertEquals(steps.filter(({ args }) => args?.note !== undefined), []);
  assertEquals([steps[0]?.name, steps.at(-1)?.name], ["join", "exec"]);
});

Deno.test("an exec that fails has the failure in the step of the process that failed", async () => {
  await using hull = new Hull();
  using scratch = scratchFolder();
  using bundle = makeBundle("sleep 60");
  const file = `${scratch.path}/trace.json`;
  await hull.detach("run", "-d", "-b", bundle.folder, "hull-traced");
  await hull.call(["--trace", file, "exec", "hull-traced", "/no/such/program"]);
  const events = readTrace(file);
  assertNested(events);
  const failed = spansOf(events, "plan").filter(({ args }) => args?.error !== undefined);
  assertEquals(failed.map(({ name }) => name), ["exec"]);
  assertEquals(failed[0], spansOf(events, "plan").at(-1));
  assertEquals(events.filter(({ ph }) => ph === "i").length, 1);
});

Deno.test("what is born in a pid namespace has nothing of the trace's memory", async () => {
  using self = openPidfd(Deno.pid);
  const trace = new Trace();
  using traced = new UsherTrace(trace, "exec", {} as Config);
  using child = new SetnsProcess({
    target: { pidfd: self.number, flags: NAMESPACE_FLAGS.pid, root: undefined },
    cgroups: [],
    before: [],
    become: [],
    beforeWait: [],
    execute: [becomeProgram("exec", "/bin/true", ["true"], [], { reason: "run" })],
    stdio: { stdin: "null", stdout: "null", stderr: "null" },
    trace: traced,
    poller: new Poller(),
  });
  await child.start();
  const maps = Deno.readTextFileSync(`/proc/${child.pid}/maps`);
  await traced.until(() => child.goOn());
  await child.wait();
  assertStringIncludes(maps, "hull-exec");
  assert(!maps.includes("hull-trace") && !maps.includes("hull-born"), maps);
  const steps = spansOf((await trace.json()).traceEvents, "plan");
  assertEquals([steps[0]?.name, steps.at(-1)?.name], ["join", "exec"]);
});

Deno.test("in a pid namespace that is joined, each of the clones has its own steps", async () => {
  await using hull = new Hull();
  using scratch = scratchFolder();
  using first = makeBundle("sleep 60");
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
  Deno.test(`a start that fails leaves a trace with the failure marked: ${kind}`, async () => {
    await leavesNothing("hull-traced", async () => {
      await using hull = new Hull();
      using scratch = scratchFolder();
      using bundle = makeBundle("true", ({ mounts }) => {
        mounts.push({ destination: "/data", type: "nosuchfs", source: "none" });
      });
      const file = `${scratch.path}/trace.json`;
      await hull.refuse("--trace", file, "run", "--init", kind, "-b", bundle.folder, "hull-traced");
      const events = readTrace(file);
      assertNested(events);
      const last = spansOf(events, "plan").at(-1);
      const error = last?.args?.error as Record<string, unknown>;
      assertEquals([last?.name, error.syscall, error.errno, error.pointer], [
        "mounts",
        "fsopen",
        "ENODEV",
        "/mounts/7",
      ]);
      const moments = events.filter(({ ph }) => ph === "i");
      assertEquals(moments.map(({ name }) => name), ["failed: fsopen ENODEV"]);
      const waited = spanOf(events, "wait until init is ready").args?.error;
      assertEquals((waited as Record<string, unknown>).step, "mounts");
      assertEquals(spanOf(events, "hull run").args, undefined); // it has told, and ends with 1
      spanOf(events, "undo");
    });
  });
}

Deno.test("a command that fails before it makes anything is traced as well", async () => {
  await using hull = new Hull();
  using scratch = scratchFolder();
  const file = `${scratch.path}/trace.json`;
  await hull.refuse("--trace", file, "run", "-b", "/no/such/bundle", "hull-traced");
  const { args } = spanOf(readTrace(file), "read the config");
  assertEquals((args?.error as Record<string, unknown>).code, "ConfigInvalid");
  await hull.refuse("--trace", file, "runn");
  assert("error" in (spanOf(readTrace(file), "load the command").args ?? {}));
});

Deno.test("a file that can't be written is an error before anything is made", async () => {
  await using hull = new Hull();
  using bundle = makeBundle("touch /data/ran", ({ root }) => root.readonly = false);
  const file = "/no/such/folder/trace.json";
  const said = await hull.refuse("--trace", file, "run", "-b", bundle.folder, "hull-traced");
  assertStringIncludes(said, `cannot write the trace ${file}`);
  assertEquals([...Deno.readDirSync(hull.root)], []);
  assertEquals([...Deno.readDirSync(`${bundle.folder}/rootfs/data`)], []);
});

for (const kind of ["direct", "reexec"]) {
  for (const [what, change] of Object.entries(CONFIGS)) {
    Deno.test(`below a supervisor a start has the same steps: ${kind}, ${what}`, async () => {
      await using hull = new Hull();
      using scratch = scratchFolder();
      using bundle = makeBundle("sleep 60", change);
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

Deno.test("the container's program sees nothing of the trace", async () => {
  const script = "cat /proc/self/maps; ls -l /proc/self/fd; env";
  for (const kind of ["direct", "reexec"]) {
    await using hull = new Hull();
    using scratch = scratchFolder();
    using bundle = makeBundle(script);
    const seen = async (...flags: string[]) => {
      const call = ["run", "--init", kind, "-b", bundle.folder, "hull-traced"];
      const { code, stdout } = await hull.call([...flags, ...call]);
      assertEquals(code, 0);
      assert(!stdout.includes("hull-trace ") && !stdout.includes("memfd"), stdout);
      const fds = [...stdout.matchAll(/ (\d+) -> /g)].map(([, fd]) => fd);
      return [fds, stdout.slice(stdout.lastIndexOf("->")).split("\n").slice(1)];
    };
    assertEquals(await seen("--trace", `${scratch.path}/trace.json`), await seen());
  }
});

Deno.test("without the flag no module of a trace is loaded", async () => {
  await using hull = new Hull();
  using bundle = makeBundle("true");
  using lasting = makeBundle("sleep 60");
  const run = ["run", "--init", "direct", "-b", bundle.folder, "hull-traced"];
  assertEquals(await traceModules(hull, run), []);
  const common = [
    "ffi/program/clock.ts",
    "ffi/program/shared_memory.ts",
    "init/operations/step_marks.ts",
    "init/words/init_trace.ts",
    "src/cli/output/trace_file.ts",
    "src/trace/plan_trace.ts",
    "src/trace/spans.ts",
    "src/trace/step_events.ts",
    "src/trace/trace.ts",
  ];
  assertEquals(await traceModules(hull, ["--trace", "/dev/null", ...run]), common);
  await hull.detach("run", "-d", "-b", lasting.folder, "hull-traced");
  const exec = ["exec", "hull-traced", "true"];
  assertEquals(await traceModules(hull, exec), []);
  const all = [...common, "src/exec/usher_trace.ts"].sort();
  assertEquals(await traceModules(hull, ["--trace", "/dev/null", ...exec]), all);
});

/** The modules of a trace that a call of the program loads. */
async function traceModules(hull: Hull, args: readonly string[]): Promise<string[]> {
  using scratch = scratchFolder();
  const [program, ...words] = FROM_SOURCES;
  const cli = fromFileUrl(new URL("../../src/cli/hull.ts", import.meta.url));
  const { code } = await new Deno.Command(program, {
    args: [...words, cli, "--root", hull.root, ...args],
    env: { DENO_COVERAGE_DIR: scratch.path },
    stdin: "null",
  }).output();
  assertEquals(code, 0);
  // The coverage has a file for each module that ran.
  const urls = [...Deno.readDirSync(scratch.path)]
    .map(({ name }) => JSON.parse(Deno.readTextFileSync(`${scratch.path}/${name}`)))
    .map(({ url }: { url: string }) => url);
  assert(urls.some((url) => url.endsWith("/src/trace/traced.ts")), "what ran is known");
  const modules =
    /(?:src\/(?:trace\/(?:trace|plan_trace|spans|step_events)|exec\/usher_trace|cli\/output\/trace_file)|init\/(?:operations\/step_marks|words\/init_trace)|ffi\/program\/(?:clock|shared_memory))\.ts$/;
  return [...new Set(urls.flatMap((url) => modules.exec(url)?.[0] ?? []))].sort();
}

Deno.test("a program traces containers that start at the same time, each on its lane", async () => {
  await leavesNothing("hull-traced", async () => {
    using scratch = scratchFolder();
    const trace = new Trace("the test");
    const factory = new Factory({ root: scratch.path, trace });
    const one = async (id: string) => {
      await using container: Container = await factory.create(id);
      const process = new Process({ args: ["true"], stdin: "null" });
      await container.start(process);
      await container.release();
      await process.wait();
      return process.pid;
    };
    const pids = await Promise.all(["hull-traced-1", "hull-traced-2"].map(one));
    const { traceEvents } = await trace.json();
    assertNested(traceEvents);
    const own = spansOf(traceEvents, "parent");
    const lanes = new Set(own.filter(({ name }) => name === "start").map(({ tid }) => tid));
    assertEquals(lanes.size, 2);
    for (const pid of pids) {
      const steps = spansOf(traceEvents, "plan").filter((step) => step.pid === pid);
      assertEquals([steps[0]?.name, steps.at(-1)?.name], ["clone", "exec"]);
      assertOneAfterAnother(steps);
    }
    const maps = Deno.readTextFileSync("/proc/self/maps");
    assert(!maps.includes("hull-trace"), "the memory is given back");
  });
});
