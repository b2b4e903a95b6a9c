/** What a trace shows of a further process. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { NAMESPACE_FLAGS } from "../../ffi/processes/namespaces.ts";
import { Poller } from "../../ffi/waiting/poll.ts";
import { openPidfd } from "../../ffi/processes/process.ts";
import { becomeProgram } from "../../init/steps/process/execute.ts";
import { Trace } from "../../mod.ts";
import type { Config } from "../../src/config/types/config.ts";
import { SetnsProcess } from "../../src/exec/setns_process.ts";
import { UsherTrace } from "../../src/exec/usher_trace.ts";
import { makeBundle, scratchFolder } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import {
  assertInside,
  assertNested,
  assertOneAfterAnother,
  readTrace,
  spanOf,
  spansOf,
} from "../fixtures/trace_events.ts";
import { withFilter, withTime } from "../fixtures/traced_configs.ts";

Deno.test("exec is traced up to the command, in a container with another clock too", async () => {
  for (const change of [() => {}, withFilter, withTime]) {
    await using hull = new Hull();
    using scratch = scratchFolder();
    using bundle = makeBundle("sleep 600", change);
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
  using bundle = makeBundle("sleep 600", ({ linux, mounts }) => {
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
  using bundle = makeBundle("sleep 600");
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
