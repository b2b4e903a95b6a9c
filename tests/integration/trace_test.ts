/** Traces of what fails and of many starts, and what a trace costs who does not ask for one. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Container, Factory, Process, Trace } from "../../mod.ts";
import { makeBundle, scratchFolder } from "../fixtures/bundle.ts";
import { FROM_SOURCES, Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { fromFileUrl } from "../fixtures/paths.ts";
import {
  assertNested,
  assertOneAfterAnother,
  readTrace,
  spanOf,
  spansOf,
} from "../fixtures/trace_events.ts";

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

Deno.test("the container's program sees nothing of the trace", async () => {
  const script = "cat /proc/self/maps; ls -l /proc/self/fd; echo env:; env";
  for (const kind of ["direct", "reexec"]) {
    await using hull = new Hull();
    using scratch = scratchFolder();
    using bundle = makeBundle(script);
    const seen = async (...flags: string[]) => {
      const call = ["run", "--init", kind, "-b", bundle.folder, "hull-traced"];
      const { code, stdout } = await hull.call([...flags, ...call]);
      assertEquals(code, 0);
      assert(!stdout.includes("hull-trace ") && !stdout.includes("memfd"), stdout);
      const [before = "", env] = stdout.split("env:\n");
      return [[...before.matchAll(/^l.* (\d+)(?: -> .*)?$/gm)].map(([, fd]) => fd), env];
    };
    assertEquals(await seen("--trace", `${scratch.path}/trace.json`), await seen());
  }
});

Deno.test("without the flag no module of a trace is loaded", async () => {
  await using hull = new Hull();
  using bundle = makeBundle("true");
  using lasting = makeBundle("sleep 600");
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
