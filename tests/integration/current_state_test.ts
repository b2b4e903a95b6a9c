/**
 * A Container tells and does what fits what is now, whichever object or program changed it.
 */

import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { ContainerError, Factory, Process } from "../../mod.ts";
import { makeBundle, scratchFolder } from "../fixtures/bundle.ts";
import { DRIVER } from "../fixtures/cgroup_driver.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { rootFolder } from "../fixtures/root_folder.ts";
import { until } from "../fixtures/until.ts";

function sleeping(): Process {
  return new Process({ args: ["sleep", "600"], stdin: "null" });
}

Deno.test("two runs at once: one process is the first, the other joins", async () => {
  await leavesNothing("hull-now-runs", async () => {
    await using scratch = rootFolder();
    await using container = await new Factory({ ...DRIVER, root: scratch.path }).create(
      "hull-now-runs",
    );
    const both = [sleeping(), sleeping()];
    await Promise.all(both.map((process) => container.run(process)));
    const { pid } = container.ociState();
    assertEquals(both.filter((process) => process.pid === pid).length, 1);
    assertEquals(container.processes().length, 2);
    const again = await assertRejects(() => container.run(both[0] as Process), ContainerError);
    assertEquals(again.code, "NoProcessOps");
    await container.destroy({ force: true });
    await Promise.all(both.map((process) => process.wait()));
  });
});

Deno.test("a process is started once, by whichever of two calls", async () => {
  await leavesNothing("hull-now-once", async () => {
    await using scratch = rootFolder();
    await using container = await new Factory({ ...DRIVER, root: scratch.path }).create(
      "hull-now-once",
    );
    const process = sleeping();
    const ends = await Promise.allSettled([container.run(process), container.run(process)]);
    assertEquals(ends.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    assertEquals(container.processes(), [process.pid]);
    await container.destroy({ force: true });
    await process.wait();
  });
});

Deno.test("one that was loaded before the start is as good as one loaded after it", async () => {
  await leavesNothing("hull-now-early", async () => {
    await using scratch = rootFolder();
    await using container = await new Factory({ ...DRIVER, root: scratch.path }).create(
      "hull-now-early",
    );
    const early = new Factory({ ...DRIVER, root: scratch.path }).load("hull-now-early");
    assertEquals(early.status(), "creating");
    const ended = early.wait();
    const process = sleeping();
    await container.run(process);
    assertEquals(early.status(), "running");
    assertEquals(early.ociState().pid, process.pid);
    assertEquals(early.processes(), [process.pid]);
    const refused = await assertRejects(() => early.destroy(), ContainerError);
    assertEquals(refused.code, "ContainerNotStopped");
    const further = new Process({ args: ["true"], stdin: "null" });
    await early.run(further);
    assertEquals((await further.wait()).code, 0);
    await container.set({ pids: { limit: 33 } });
    assertEquals(early.config.linux?.resources?.pids?.limit, 33);
    early.signal("KILL");
    await process.wait();
    await container.wait(); // which records the end
    await ended;
    assertEquals(early.status(), "stopped");
    await early.destroy();
    assertEquals(assertThrows(() => container.status(), ContainerError).code, "ContainerNotExists");
  });
});

Deno.test("a wait before the start waits, and ends with the container", async () => {
  await leavesNothing("hull-now-wait", async () => {
    await using scratch = rootFolder();
    const factory = new Factory({ ...DRIVER, root: scratch.path });
    await using container = await factory.create("hull-now-wait");
    const own = container.wait();
    const others = factory.load("hull-now-wait").wait();
    const process = new Process({ args: ["sh", "-c", "exit 7"], stdin: "null" });
    await container.run(process, { supervised: true });
    assertEquals([(await own)?.code, (await others)?.code], [7, 7]);
    await container.destroy();

    const never = await factory.create("hull-now-wait");
    const waiting = never.wait();
    await never.destroy();
    assertEquals(await waiting, undefined);
  });
});

Deno.test("hull wait of a container that waits for its start ends with its program", async () => {
  await leavesNothing("hull-now-cli", async () => {
    await using hull = new Hull();
    using bundle = makeBundle("exit 9");
    await hull.detach("create", "--supervise", "-b", bundle.folder, "hull-now-cli");
    const waiting = hull.call(["wait", "hull-now-cli"]);
    await hull.must("start", "hull-now-cli");
    assertEquals(await waiting, { code: 0, stdout: "9\n", stderr: "" });
    await hull.must("delete", "hull-now-cli");
  });
});

Deno.test("stats before the start say why there are none", async () => {
  await using scratch = rootFolder();
  await using container = await new Factory({ ...DRIVER, root: scratch.path }).create(
    "hull-now-stats",
  );
  const error = assertThrows(() => container.stats(), ContainerError);
  assertEquals(error.code, "ContainerNotRunning");
  assertStringIncludes(error.message, "has no process yet");
});

Deno.test("a list passes over what vanishes while it is made", async () => {
  await using scratch = rootFolder();
  using away = scratchFolder();
  const factory = new Factory({ ...DRIVER, root: scratch.path });
  await using container = await factory.create("hull-now-list");
  const code = `onmessage = ({ data: [from, to] }) => {
    for (let k = 0; k < 20_000; k++) {
      Deno.renameSync(from, to);
      Deno.renameSync(to, from);
    }
    postMessage("done");
  };`;
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const mover = new Worker(url, { type: "module" });
  using _mover = { [Symbol.dispose]: () => mover.terminate() };
  let isMoving = true;
  mover.onmessage = () => isMoving = false;
  mover.postMessage([container.folder, `${away.path}/away`]);
  const seen = new Set<string>();
  while (isMoving) {
    for (let k = 0; k < 100; k++) {
      seen.add(factory.list().map(({ id, status }) => `${id} ${status}`).join());
    }
    await new Promise((turn) => setTimeout(turn, 0)); // in which the message comes
  }
  URL.revokeObjectURL(url);
  assertEquals([...seen].sort(), ["", "hull-now-list creating"]);
});

Deno.test("the next container of an id is another's object, and is left alone", async () => {
  await leavesNothing("hull-now-next", async () => {
    await using scratch = rootFolder();
    const factory = new Factory({ ...DRIVER, root: scratch.path });
    const first = await factory.create("hull-now-next");
    await factory.remove("hull-now-next");
    await using next = await factory.create("hull-now-next");
    const process = sleeping();
    await next.run(process);
    for (const act of [() => first.destroy({ force: true }), () => first.run(sleeping())]) {
      const error = await assertRejects(act, ContainerError);
      assertEquals(error.code, "ContainerNotExists");
    }
    assertThrows(() => first.signal("KILL"), ContainerError);
    assertEquals(next.status(), "running");
    await next.destroy({ force: true });
    await process.wait();
  });
});

Deno.test("what asks a program to end ends a container that waits for its start", async () => {
  await leavesNothing("hull-now-term", async () => {
    await using hull = new Hull();
    using bundle = makeBundle("sleep 600");
    for (const signal of ["TERM", "INT", "HUP", "QUIT", "ABRT", "KILL"]) {
      for (const options of signal === "TERM" ? [[], ["--all"]] : [[]]) {
        const id = `hull-now-term-${signal}`;
        await hull.detach("create", "-b", bundle.folder, id);
        await hull.must("kill", id, "USR1"); // asks for something else
        assertEquals(await hull.status(id), "created");
        await hull.must("kill", ...options, id, signal);
        await until(async () => await hull.status(id) === "stopped");
        await hull.must("delete", id);
      }
    }
  });
});

Deno.test("a run in the foreground whose container is deleted elsewhere ends as its program did", async () => {
  await leavesNothing("hull-now-fore", async () => {
    await using hull = new Hull();
    using bundle = makeBundle("sleep 600");
    const running = hull.call(["run", "-b", bundle.folder, "hull-now-fore"]);
    await until(async () => {
      const { stdout } = await hull.call(["list", "-f", "json"]);
      return stdout.includes('"running"');
    });
    await hull.must("delete", "--force", "hull-now-fore");
    assertEquals(await running, { code: 137, stdout: "", stderr: "" });
  });
});

Deno.test("force ends a container whose start waits for a first process that was stopped", async () => {
  await leavesNothing("hull-now-stopped", async () => {
    await using scratch = rootFolder();
    const factory = new Factory({ ...DRIVER, root: scratch.path });
    await using container = await factory.create("hull-now-stopped");
    const process = sleeping();
    await container.start(process);
    using _killed = { // if nobody else has
      [Symbol.dispose]: () => factory.ids().forEach(() => process.signal("KILL")),
    };
    Deno.kill(process.pid, "SIGSTOP");
    await until(() => /^State:\s*T/m.test(Deno.readTextFileSync(`/proc/${process.pid}/status`)));
    const start = Promise.allSettled([container.release()]);
    await new Factory({ ...DRIVER, root: scratch.path }).load("hull-now-stopped").destroy({
      force: true,
    });
    await start;
    assertEquals((await process.wait()).signal, 9);
    assertEquals(factory.ids(), []);
  });
});
