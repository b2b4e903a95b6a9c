import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { ContainerError, Factory, Process, run, type RunProgramOptions } from "../../mod.ts";
import { DRIVER } from "../fixtures/cgroup_driver.ts";
import { makeBundle } from "../fixtures/bundle.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { rootFolder } from "../fixtures/root_folder.ts";
import { LIMITS, testWhere } from "../fixtures/test_where.ts";

const MIB = 2 ** 20;
const sh = (script: string): readonly string[] => ["sh", "-c", script];

/** Runs a test with a way to run programs of one root folder, which is empty at its end. */
async function withRuns(
  id: string,
  test: (
    runOne: (script: string, options?: RunProgramOptions) => ReturnType<typeof run>,
    factory: Factory,
  ) => Promise<void>,
): Promise<void> {
  await leavesNothing(id, async () => {
    await using root = rootFolder();
    const factory = new Factory({ ...DRIVER, root: root.path });
    await test((script, options) => run(sh(script), { id, factory, ...options }), factory);
    assertEquals(factory.ids(), []);
  });
}

Deno.test("run gives what a program wrote, how it ended, and what it used", async () => {
  await withRuns("hull-out-run", async (runOne) => {
    const { usage, stdoutBytes, stderrBytes, ...outcome } = await runOne(
      "hostname; cat; pwd >&2; echo $WORD >&2; exit 3",
      { stdin: "hello\n", cwd: "/tmp", extraEnv: ["WORD=\u{1F40B}"] },
    );
    assertEquals(outcome, {
      code: 3,
      signal: undefined,
      stdout: "hull-out-run\nhello\n",
      stderr: "/tmp\n\u{1F40B}\n",
      oomKilled: false,
      timedOut: false,
      truncated: false,
    });
    assertEquals(new TextDecoder().decode(stdoutBytes), outcome.stdout);
    assertEquals(new TextDecoder().decode(stderrBytes), outcome.stderr);
    assertGreater(usage.wallMs, 0);
  });
});

Deno.test("a run takes wishes, and a program under a small first process can die of signals", async () => {
  await withRuns("hull-out-wishes", async (runOne) => {
    const wishes = { files: { "/work/in": "from a file" }, env: { A: "b" }, init: true } as const;
    const { stdout, code } = await runOne("cat /work/in; echo $A; kill -ABRT $$", {
      wishes,
    });
    assertEquals([stdout, code], ["from a fileb\n", 134]);
  });
});

Deno.test("run passes input of every kind, also more than a pipe holds", async () => {
  await withRuns("hull-out-in", async (runOne) => {
    const bytes = crypto.getRandomValues(new Uint8Array(60_000));
    const all = new Uint8Array(600_000);
    for (let k = 0; k < 10; k++) all.set(bytes, k * bytes.length);
    const stream = () => ReadableStream.from([all.slice(0, 7), all.slice(7)]);
    for (const stdin of [all, new Blob([all]), stream()]) {
      const { stdoutBytes, code } = await runOne("cat", { stdin });
      assertEquals([code, stdoutBytes.length], [0, all.length]);
      assert(stdoutBytes.every((byte, k) => byte === all[k]));
      assertEquals((await runOne("head -c 1 | wc -c", { stdin: all })).stdout, "1\n");
    }
    assertEquals((await runOne("cat; readlink /proc/self/fd/0")).stdout, "/dev/null\n");
  });
});

Deno.test("what a run writes beyond the limit ends it, and what was taken is given", async () => {
  await withRuns("hull-out-more", async (runOne) => {
    for (const to of [1, 2]) {
      const out = await runOne(`trap '' PIPE; while :; do echo ----------; done >&${to}`, {
        outputLimit: 1000,
      });
      const { code, signal, truncated, timedOut } = out;
      assertEquals([code, signal, truncated, timedOut], [137, 9, true, false]);
      const texts = [out.stdout, out.stderr];
      assertEquals(texts[to - 1]?.slice(0, 11), "----------\n");
      assertEquals(texts.map(({ length }) => length), to === 1 ? [1000, 0] : [0, 1000]);
    }
    const exactly = await runOne("printf 0123456789", { outputLimit: 10 });
    assertEquals([exactly.code, exactly.stdout, exactly.truncated], [0, "0123456789", false]);
    const none = await runOne("echo x; sleep 600", { outputLimit: 0 });
    assertEquals([none.stdout, none.truncated], ["", true]);
  });
});

Deno.test("a deadline ends a run with all of its processes, and what it wrote is given", async () => {
  await withRuns("hull-out-late", async (runOne) => {
    const script = "echo begun; (trap '' TERM; sleep 600) & sleep 600";
    const { stdout, timedOut, signal } = await runOne(script, { deadlineMs: 300 });
    assertEquals([stdout, timedOut, signal], ["begun\n", true, 9]);
    const inTime = await runOne("echo x", { deadlineMs: Number.MAX_SAFE_INTEGER });
    assertEquals([inTime.stdout, inTime.timedOut], ["x\n", false]);
  });
});

Deno.test("an abort ends a run with its reason, whatever it is at", async () => {
  await withRuns("hull-out-abort", async (runOne) => {
    const reason = new Error("enough");
    const during = async (mostMs: number) => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(reason), mostMs);
      const stdin = new ReadableStream<Uint8Array<ArrayBuffer>>();
      const error = await runOne("sleep 600", { stdin, signal: controller.signal })
        .catch((error) => error);
      assertStrictEquals(error, reason);
    };
    for (const ms of [0, 1, 3, 10, 30]) await during(ms);
    const signal = AbortSignal.abort(reason);
    assertStrictEquals(await runOne("sleep 600", { signal }).catch((error) => error), reason);
  });
});

Deno.test("a stream of input that fails ends the program, and the run fails with its error", async () => {
  await withRuns("hull-out-source", async (runOne) => {
    const fault = new Error("the source is dry");
    const stdin = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: (controller) => controller.error(fault),
    });
    const error = await runOne("cat; sleep 600", { stdin }).catch((error) => error);
    assertStrictEquals(error, fault);
  });
});

Deno.test("a run does not wait for a stream of input that takes no end", async () => {
  await withRuns("hull-out-stays", async (runOne) => {
    const never = () => new Promise<void>(() => {});
    const stdin = () => new ReadableStream<Uint8Array<ArrayBuffer>>({ pull: never, cancel: never });
    assertEquals((await runOne("exit 3", { stdin: stdin() })).code, 3);
    const late = await runOne("cat", { stdin: stdin(), deadlineMs: 100 });
    assertEquals([late.timedOut, late.code], [true, 137]);
  });
});

testWhere(LIMITS, "a run has limits, and tells of them", async () => {
  await withRuns("hull-out-limits", async (runOne) => {
    const limits = { memoryBytes: 16 * MIB, pids: 5, cpus: 0.5 };
    const hungry = await runOne("tail /dev/zero", { limits });
    assertEquals(hungry.oomKilled, true);
    const { memoryPeakBytes: peak = 0 } = hungry.usage;
    if (hungry.usage.memoryPeakBytes !== undefined) {
      assertGreater(peak, 8 * MIB);
      assertLess(peak, 17 * MIB);
    }
    const many = "n=0; while [ $n -lt 9 ]; do sleep 600 & n=$((n+1)); done";
    const crowd = await runOne(many, { limits, deadlineMs: 5000 });
    assert(/fork|Cannot/i.test(crowd.stderr), crowd.stderr);
    const burnt = await runOne("n=0; while [ $n -lt 60000 ]; do n=$((n+1)); done", {
      limits: { cpus: 1 },
    });
    assertGreater(burnt.usage.cpuMs ?? 0, 1);
    for (const [name, bad] of [["pids", 0], ["memoryBytes", 0.5], ["cpus", NaN]] as const) {
      const refused = await assertRejects(
        () => runOne("true", { limits: { [name]: bad } }),
        ContainerError,
        name,
      );
      assertEquals(refused.code, "ConfigInvalid");
    }
  });
});

Deno.test("what can't be is refused before anything is made", async () => {
  await withRuns("hull-out-bad", async (runOne) => {
    const stdin = new ReadableStream<Uint8Array<ArrayBuffer>>();
    stdin.getReader();
    for (
      const options of [
        { deadlineMs: -1 },
        { deadlineMs: NaN },
        { outputLimit: -1 },
        { stdin },
        { stdin: 7 as unknown as string },
      ]
    ) {
      const { code } = await assertRejects(() => runOne("true", options), ContainerError);
      assertEquals(code, "ConfigInvalid");
    }
  });
});

Deno.test("many runs at once share a factory", async () => {
  await withRuns("hull-out-many", async (_, factory) => {
    const outputs = await Promise.all(
      Array.from({ length: 8 }, (_, k) => run(sh(`echo ${k}; exit ${k}`), { factory })),
    );
    assertEquals(outputs.map(({ code }) => code), [0, 1, 2, 3, 4, 5, 6, 7]);
    assertEquals(outputs.map(({ stdout }) => Number(stdout)), [0, 1, 2, 3, 4, 5, 6, 7]);
  });
});

Deno.test("a run without a pid namespace of its own takes its processes with it", async () => {
  await withRuns("hull-out-pids", async (_, factory) => {
    using bundle = makeBundle("sleep 600 & echo done", ({ linux }) => {
      linux.namespaces = linux.namespaces?.filter(({ type }) => type !== "pid");
    });
    const { stdout } = await run(bundle.config.process?.args ?? [], {
      id: "hull-out-pids",
      config: bundle.config,
      bundle: bundle.folder,
      factory,
    });
    assertEquals(stdout, "done\n");
  });
});

Deno.test("output runs the first process of a container, and further ones with usage of their own", async () => {
  await leavesNothing("hull-out-exec", async () => {
    await using root = rootFolder();
    const factory = new Factory({ ...DRIVER, root: root.path });
    await using container = await factory.create("hull-out-exec");
    await container.run(new Process({ args: ["sleep", "600"], stdin: "null" }));
    const burn = "n=0; while [ $n -lt 100000 ]; do n=$((n+1)); done";
    const [busy, idle] = await Promise.all([
      container.output(sh(`${burn}; cat`), { stdin: "in" }),
      container.output(sh("sleep 0.1; echo out; echo err >&2; exit 4")),
    ]);
    assertEquals([busy.code, busy.stdout], [0, "in"]);
    assertEquals([idle.code, idle.stdout, idle.stderr], [4, "out\n", "err\n"]);
    assertGreater(busy.usage.cpuMs ?? 0, idle.usage.cpuMs ?? 0);
    assertGreater(idle.usage.memoryPeakBytes ?? 0, 0);
    const late = await container.output(sh("echo x; sleep 600 & sleep 600"), { deadlineMs: 200 });
    assertEquals([late.timedOut, late.stdout, late.signal], [true, "x\n", 9]);
    // One that has detached has the pipes still, and is no reason to wait beyond the deadline.
    const left = await container.output(sh("setsid sleep 600 & echo left"), { deadlineMs: 500 });
    assertEquals([left.code, left.stdout, left.timedOut], [0, "left\n", true]);
    const reason = new Error("enough");
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 50);
    const aborted = container.output(["sleep", "600"], { signal: controller.signal });
    assertStrictEquals(await aborted.catch((error) => error), reason);
    assertEquals(container.status(), "running");
    await container.destroy({ force: true });
    await using fresh = await factory.create("hull-out-exec");
    const first = await fresh.output(["hostname"]);
    assertEquals([first.stdout, fresh.status()], ["hull-out-exec\n", "stopped"]);
  });
});
