import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { type Container, ExecDriver, Factory, Process, run } from "../../mod.ts";
import { open } from "../../ffi/files/file.ts";
import { tryLock } from "../../ffi/files/file_lock.ts";
import { makeBundle } from "../fixtures/bundle.ts";
import { DRIVER } from "../fixtures/cgroup_driver.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { rootFolder } from "../fixtures/root_folder.ts";
import { until } from "../fixtures/until.ts";

/** What a hook's command line is known by. */
const MARK = ": hull-ac-hook-runs";
/** An end for what nothing else ends. An abort takes a moment, and is missed after the lesser time. */
const LONG = "sleep 600";
const LATE_MS = 20_000;
const REASON = new Error("enough");

/** What a call threw that is aborted once `moment` has come. */
async function abortedAt(
  moment: () => Promise<unknown>,
  call: (signal: AbortSignal) => Promise<unknown>,
): Promise<unknown> {
  const controller = new AbortController();
  const thrown = call(controller.signal).then(() => "it came to its end", (error) => error);
  await moment();
  controller.abort(REASON);
  // A call that goes on does not keep the tests from their end.
  const { promise: late, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(() => resolve("it went on"), LATE_MS);
  try {
    return await Promise.race([thrown, late]);
  } finally {
    clearTimeout(timer);
  }
}

const atOnce = () => Promise.resolve();

/** Runs a test with a container that runs. */
async function withRunning(
  id: string,
  test: (container: Container, factory: Factory) => Promise<void>,
): Promise<void> {
  await leavesNothing(id, async () => {
    await using root = rootFolder();
    const factory = new Factory({ ...DRIVER, root: root.path });
    await using container = await factory.create(id, undefined, { driver: "driver" });
    await container.run(new Process({ args: LONG.split(" "), stdin: "null" }));
    await test(container, factory);
  });
}

Deno.test("a signal that is aborted already keeps every call from doing anything", async () => {
  await withRunning("hull-ac-before", async (container, factory) => {
    const options = { signal: AbortSignal.abort(REASON) };
    const driver = new ExecDriver({ factory });
    const { id } = container;
    const process = new Process({ args: ["true"], stdin: "null" });
    const calls: readonly (() => Promise<unknown>)[] = [
      () => factory.create("hull-ac-before-new", undefined, options),
      () => factory.remove(id, options),
      () => container.start(process, options),
      () => container.run(process, options),
      () => container.release(options),
      () => container.set({}, {}, options),
      () => container.pause(options),
      () => container.resume(options),
      () => container.wait(options),
      () => container.attachNetworks(options),
      () => container.detachNetworks(options),
      () => container.destroy({ ...options, force: true }),
      () => driver.run({ id: "hull-ac-before-run" }, {}, () => {}, options),
      () => driver.exec(id, { args: ["true"] }, {}, () => {}, options),
      () => driver.terminate(id, options),
      () => driver.pause(id, options),
      () => driver.clean("none", options),
      () => driver.restore(options),
      () => factory.plan("hull-ac-before-plan", process, options),
      () => factory.removeLeftovers(options),
      () => container.output(["true"], options),
      () => run(["true"], { factory, ...options }),
    ];
    for (const [k, call] of calls.entries()) {
      const error = await call().then(() => `call ${k} came to its end`, (error) => error);
      if (k === 15 || k === 16) continue; // a driver touches no other's container: not found
      assertStrictEquals(error, REASON, `call ${k}: ${error}`);
    }
    assertEquals([container.status(), factory.ids()], ["running", [id]]);
    assertEquals([process.isStarted, container.processes().length], [false, 1]);
  });
});

Deno.test("a wait is aborted alone, of a process, a container, and one of another program", async () => {
  await withRunning("hull-ac-wait", async (container, factory) => {
    const other = factory.load(container.id);
    const process = new Process({ args: LONG.split(" "), stdin: "null" });
    await container.start(process);
    const waits = [process, container, other];
    for (const waiting of waits) {
      assertStrictEquals(await abortedAt(atOnce, (signal) => waiting.wait({ signal })), REASON);
    }
    assertEquals(container.processes().length, 2);
    process.signal("KILL");
    assertEquals((await process.wait()).signal, 9);
  });
});

Deno.test("a wait for another's call is aborted, and the call was never made", async () => {
  await withRunning("hull-ac-lock", async (container) => {
    using folder = open(container.folder);
    assert(tryLock(folder));
    const calls: readonly ((signal: AbortSignal) => Promise<unknown>)[] = [
      (signal) => container.pause({ signal }),
      (signal) => container.set({ pids: { limit: 7 } }, {}, { signal }),
      (signal) => container.destroy({ force: true, signal }),
      (signal) => container.release({ signal }),
      (signal) => container.detachNetworks({ signal }),
    ];
    for (const call of calls) assertStrictEquals(await abortedAt(atOnce, call), REASON);
    folder.close();
    assertEquals(container.status(), "running");
  });
});

Deno.test("an abort during a hook ends the hook, and what it was for is undone", async () => {
  for (
    const point of ["createRuntime", "createContainer", "startContainer", "poststart"] as const
  ) {
    for (const init of ["direct", "reexec"] as const) {
      await leavesNothing("hull-ac-hook", async () => {
        await using root = rootFolder();
        using bundle = makeBundle(LONG, (config) => {
          const path = "/bin/sh";
          config.hooks = { [point]: [{ path, args: ["sh", "-c", `${LONG}; ${MARK}`] }] };
        });
        const factory = new Factory({ ...DRIVER, root: root.path, init });
        const options = { bundle: bundle.folder };
        await using container = await factory.create("hull-ac-hook", bundle.config, options);
        const before = [...Deno.readDirSync(container.folder)].length;
        const run = (signal: AbortSignal) =>
          container.run(new Process({ stdin: "null" }), { signal, supervised: init === "direct" });
        using _none = noHooks();
        const isInHook = () => until(() => hooks().length > 0);
        assertStrictEquals(await abortedAt(isInHook, run), REASON, point);
        assertEquals([hooks(), container.status()], [[], "creating"]);
        assertEquals([...Deno.readDirSync(container.folder)].length, before);
      });
    }
  }
});

/** The hooks of these tests that run, by the name that they have. */
function hooks(): number[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter((pid) => {
    try {
      return pid > 0 && Deno.readTextFileSync(`/proc/${pid}/cmdline`).includes(MARK);
    } catch {
      return false;
    }
  });
}

/** Ends what a call that was not aborted would wait for. */
function noHooks(): Disposable {
  const killAll = () => hooks().forEach((pid) => Deno.kill(-pid, "SIGKILL")); // each leads a group
  return { [Symbol.dispose]: killAll };
}

Deno.test("exec: up to the program's start an abort changes nothing, and it can be called again", async () => {
  await leavesNothing("hull-ac-hook", async () => {
    await using root = rootFolder();
    using bundle = makeBundle("exit 7", (config) => {
      const script = `[ -e /tmp/go ] || ${LONG}; ${MARK}`;
      config.root.readonly = false;
      config.hooks = {
        startContainer: [{ path: "/bin/sh", args: ["sh", "-c", script] }],
      };
    });
    const factory = new Factory({ ...DRIVER, root: root.path });
    const options = { bundle: bundle.folder };
    await using container = await factory.create("hull-ac-hook", bundle.config, options);
    const process = new Process({ stdin: "null" });
    await container.start(process);
    using _none = noHooks();
    const isInHook = () => until(() => hooks().length > 0);
    assertStrictEquals(
      await abortedAt(isInHook, (signal) => container.release({ signal })),
      REASON,
    );
    assertEquals([container.status(), hooks()], ["created", []]);
    Deno.writeTextFileSync(`/proc/${process.pid}/root/tmp/go`, "");
    await container.release();
    assertEquals((await process.wait()).code, 7);
  });
});

Deno.test("the poststop hooks of a destroy are ended, and the container is gone", async () => {
  await leavesNothing("hull-ac-hook", async () => {
    await using root = rootFolder();
    using bundle = makeBundle("exit 0", (config) => {
      config.hooks = {
        poststop: [{ path: "/bin/sh", args: ["sh", "-c", `${LONG}; ${MARK}`] }],
      };
    });
    const factory = new Factory({ ...DRIVER, root: root.path });
    const options = { bundle: bundle.folder };
    const container = await factory.create("hull-ac-hook", bundle.config, options);
    using _none = noHooks();
    const isInHook = () => until(() => hooks().length > 0);
    const destroy = (signal: AbortSignal) => container.destroy({ force: true, signal });
    assertStrictEquals(await abortedAt(isInHook, destroy), REASON);
    assertEquals([factory.ids(), hooks()], [[], []]);
  });
});

Deno.test("an abort ends a callback's wait, and terminate's grace", async () => {
  await leavesNothing("hull-ac-driver", async () => {
    await using root = rootFolder();
    const driver = new ExecDriver({ root: root.path });
    const id = "hull-ac-driver";
    const called = Promise.withResolvers<void>();
    const never = () => {
      called.resolve();
      return new Promise<void>(() => {});
    };
    const run = (signal: AbortSignal) =>
      driver.run({ id, args: LONG.split(" ") }, {}, never, { signal });
    assertStrictEquals(await abortedAt(() => called.promise, run), REASON);
    assertEquals(driver.factory.ids(), []);

    const started = Promise.withResolvers<void>();
    const stubborn = ["sh", "-c", "trap '' TERM; sleep 1000 & wait; wait"];
    const running = driver.run({ id, args: stubborn }, {}, () => started.resolve());
    await started.promise;
    await until(() => driver.pids(id).length === 2);
    const terminate = (signal: AbortSignal) => driver.terminate(id, { graceMs: 60_000, signal });
    assertStrictEquals(await abortedAt(atOnce, terminate), REASON);
    assertEquals(driver.info(id).status, "running");
    await driver.terminate(id);
    assertEquals((await running).signal, 9);
  });
});

Deno.test("an aborted exec ends with all that it has started, and with nothing else", async () => {
  await withRunning("hull-ac-tree", async (container, factory) => {
    const driver = new ExecDriver({ factory });
    const { id } = container;
    const start = async (script: string, signal: AbortSignal) => {
      const before = driver.pids(id).length;
      const args = ["sh", "-c", script];
      const end = driver.exec(id, { args }, {}, () => {}, { signal }).then(
        () => "it came to its end",
        (error) => error,
      );
      await until(() => driver.pids(id).length >= before + 2);
      return { end };
    };
    const other = new AbortController();
    const neighbour = await start(`${LONG} & ${LONG}`, other.signal);
    const others = driver.pids(id).sort();
    for (
      const script of [
        `${LONG} & ${LONG}`,
        `(${LONG} & ${LONG} & wait) & (sh -c "${LONG} & setsid ${LONG} & wait") & wait`,
        // one that forks without an end
        `${LONG} & ${LONG} & while :; do /bin/true; done`,
      ]
    ) {
      const controller = new AbortController();
      const running = await start(script, controller.signal);
      controller.abort(REASON);
      assertStrictEquals(await running.end, REASON);
      // what was killed may still be ending
      await until(() => driver.pids(id).every((pid) => others.includes(pid)));
      assertEquals(driver.pids(id).sort(), others, script);
    }
    other.abort(REASON);
    assertStrictEquals(await neighbour.end, REASON);
  });
});
