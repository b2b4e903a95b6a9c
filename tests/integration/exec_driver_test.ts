import { assert, assertEquals, assertGreater, assertRejects } from "@std/assert";
import {
  type Config,
  type Container,
  ContainerError,
  type CreateOptions,
  ExecDriver,
  Factory,
  type Process,
} from "../../mod.ts";
import { makeBundle } from "../fixtures/bundle.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { rootFolder } from "../fixtures/root_folder.ts";
import { until } from "../fixtures/until.ts";
import { type Bytes, called, sh, textSink, withDriver } from "../fixtures/driver.ts";

/** A factory that notes what is asked of it and of what it makes. */
class NotingFactory extends Factory {
  readonly notes: string[] = [];

  override async create(
    id: string,
    config?: Config,
    options?: CreateOptions,
  ): Promise<Container> {
    this.notes.push("create");
    const container = await super.create(id, config, options);
    const start = container.run.bind(container);
    container.run = async (process: Process, options) => {
      this.notes.push(`start with ${process.options.stdout} and ${process.options.stdin}`);
      const wait = process.wait.bind(process);
      process.wait = () => {
        this.notes.push("wait");
        return wait();
      };
      await start(process, options);
      this.notes.push(`started ${container.status()}`);
    };
    return container;
  }
}

Deno.test("a run: process, pipes, create, start, callback, wait, in this order", async () => {
  await leavesNothing("hull-ed-order", async () => {
    await using root = rootFolder();
    const factory = new NotingFactory({ root: root.path });
    const driver = new ExecDriver({ factory });
    const { sink, text } = textSink();
    const status = await driver.run(
      { id: "hull-ed-order", args: sh("cat; exit 7") },
      { stdin: new Blob(["question"]).stream(), stdout: sink },
      (pid) => {
        assertEquals(driver.info("hull-ed-order").pid, pid);
        factory.notes.push("callback");
      },
      { exitCallback: ({ code }) => void factory.notes.push(`exit ${code}`) },
    );
    assertEquals([status, await text], [{ code: 7, signal: undefined, oomKills: 0 }, "question"]);
    assertEquals(factory.notes.slice(0, 5), [
      "create",
      "start with piped and piped",
      "started running",
      "callback",
      "wait",
    ]);
    assertEquals([factory.notes.at(-1), factory.list()], ["exit 7", []]);
  });
});

Deno.test("the command's args, environment, folder, user, config and limits are the program's", async () => {
  await withDriver("hull-ed-command", async (driver, id) => {
    const script = "pwd; id -u; echo $KEY; cat /data/limit; exit 3";
    using bundle = makeBundle("", (config) => {
      config.mounts.push({
        destination: "/data",
        type: "tmpfs",
        source: "tmpfs",
        options: ["mode=0777"],
      });
    });
    const { sink, text } = textSink();
    const { code } = await driver.run(
      {
        id,
        args: sh(`${script.replace("cat /data/limit; ", "touch /data/x && ")}`),
        env: ["PATH=/bin", "KEY=value"],
        cwd: "/tmp",
        user: "web",
        config: bundle.config,
        bundle: bundle.folder,
        resources: { pids: { limit: 17 }, memory: { limit: 64 << 20 } },
      },
      { stdout: sink },
      () => {
        const { pids, memory } = driver.stats(id);
        assertEquals([pids?.limit, memory?.usage.limit], [17, 64 << 20]);
      },
    );
    assertEquals([code, await text], [3, "/tmp\n1000\nvalue\n"]);
    // Limits go with the built-in default, too, and are checked.
    const refused = await assertRejects(
      () => driver.run({ id, resources: { pids: { limit: "many" as unknown as number } } }),
      ContainerError,
    );
    assertEquals(refused.faults?.map(({ pointer }) => pointer), ["/linux/resources/pids/limit"]);
  });
});

Deno.test("kill, pause, unpause, pids, info, exec and terminate act on the running container", async () => {
  await withDriver("hull-ed-acts", async (driver, id) => {
    const { callback, pid } = called();
    const running = driver.run(
      { id, args: sh("trap 'exit 9' USR1; sleep 600 & wait") },
      {},
      callback,
    );
    const first = await pid;
    await until(() => driver.pids(id).length === 2); // the shell and its sleep: the trap is set
    assertEquals([driver.info(id).pid, driver.info(id).status], [first, "running"]);
    await driver.pause(id);
    assertEquals(driver.info(id).status, "paused");
    await driver.unpause(id);
    assertEquals(driver.info(id).status, "running");
    const { sink, text } = textSink();
    let further = 0;
    const status = await driver.exec(
      id,
      { args: sh("cat; exit 4") },
      { stdin: new Blob(["inside"]).stream(), stdout: sink },
      (pid) => {
        further = pid;
        assert(driver.pids(id).includes(pid));
      },
    );
    assertEquals([status.code, await text], [4, "inside"]);
    assertGreater(further, 0);
    await assertRejects(
      () =>
        driver.exec(id, { args: ["sleep", "600"] }, {}, () => {
          throw new Error("no");
        }),
      Error,
      "no",
    );
    assertEquals(driver.pids(id).length, 2);
    const ours = await assertRejects(() => driver.clean(id), ContainerError);
    assertEquals(ours.code, "ContainerNotStopped");
    driver.kill(id, "USR1");
    assertEquals((await running).code, 9);

    const again = called();
    const stubborn = driver.run(
      { id, args: sh("trap '' TERM; sleep 600 & wait; wait") },
      {},
      again.callback,
    );
    await again.pid;
    await until(() => driver.pids(id).length === 2);
    await driver.terminate(id, { graceMs: 200 }); // TERM does nothing
    assertEquals((await stubborn).signal, 9);

    const polite = called();
    const kind = driver.run(
      { id, args: sh("trap 'exit 6' TERM; sleep 600 & wait") },
      {},
      polite.callback,
    );
    await polite.pid;
    await until(() => driver.pids(id).length === 2);
    await driver.terminate(id, { graceMs: 30_000 });
    assertEquals((await kind).code, 6);
    const gone = await assertRejects(() => driver.terminate(id), ContainerError);
    assertEquals(gone.code, "ContainerNotExists");
    await driver.clean(id); // nothing is there
  });
});

Deno.test("a callback that throws ends the container", async () => {
  await withDriver("hull-ed-throws", async (driver, id) => {
    const { sink, text } = textSink();
    await assertRejects(
      () =>
        driver.run({ id, args: ["sleep", "600"] }, { stdout: sink }, async () => {
          await Promise.resolve();
          throw new Error("the daemon does not want it");
        }),
      Error,
      "the daemon does not want it",
    );
    assertEquals(await text, "");
    await assertRejects(
      () =>
        driver.run({ id, args: ["true"] }, {}, () => {}, {
          exitCallback: () => Promise.reject(new Error("no room for a note")),
        }),
      Error,
      "no room for a note",
    );
  });
});

Deno.test("an abort ends the container, whenever it comes, and a reader that hangs", async () => {
  await withDriver("hull-ed-abort", async (driver, id) => {
    const reason = new Error("enough");
    await assertRejects(
      () => driver.run({ id }, {}, () => {}, { signal: AbortSignal.abort(reason) }),
      Error,
      "enough",
    );
    for (const milliseconds of [5, 40, 120, 400]) {
      const signal = AbortSignal.timeout(milliseconds);
      const args = ["sleep", "600"];
      const error = await assertRejects(() => driver.run({ id, args }, {}, () => {}, { signal }));
      assertEquals((error as Error).name, "TimeoutError");
      assertEquals(driver.factory.ids(), []);
    }
    const hanging = new WritableStream<Bytes>({ write: () => new Promise<void>(() => {}) });
    await assertRejects(() =>
      driver.run({ id, args: ["cat", "/dev/zero"] }, { stdout: hanging }, () => {}, {
        signal: AbortSignal.timeout(500),
      })
    );
    const { callback, pid } = called();
    const running = driver.run({ id, args: ["sleep", "600"] }, {}, callback);
    await pid;
    await assertRejects(() =>
      driver.exec(id, { args: ["sleep", "600"] }, {}, () => {}, {
        signal: AbortSignal.timeout(100),
      })
    );
    await until(() => driver.pids(id).length === 1);
    await driver.terminate(id);
    await running;
  });
});

Deno.test("30 runs at once: each with its own output and exit code, and the event loop goes on", async () => {
  await withDriver("hull-ed-many", async (driver, id) => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 5);
    const ended = await Promise.all(Array.from({ length: 30 }, async (_, k) => {
      const { sink, text } = textSink();
      const args = sh(`echo ${k}; exit ${k}`);
      const { code } = await driver.run({ id: `${id}-${k}`, args }, { stdout: sink });
      return [code, await text];
    }));
    clearInterval(timer);
    assertEquals(ended, Array.from({ length: 30 }, (_, k) => [k, `${k}\n`]));
    assertGreater(ticks, 0);
  });
});

Deno.test("a run tells whether memory ran out", async () => {
  await withDriver("hull-ed-oom", async (driver, id) => {
    const limit = 16 << 20;
    const { signal, oomKills } = await driver.run({
      id,
      args: ["tail", "/dev/zero"],
      resources: { memory: { limit, swap: limit } },
    });
    assertEquals([signal, oomKills], [9, 1]);
  });
});
