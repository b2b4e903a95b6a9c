import { assertEquals, assertStringIncludes } from "@std/assert";
import { Factory, Process } from "../../mod.ts";
import { makeBundle } from "../fixtures/bundle.ts";
import { DRIVER } from "../fixtures/cgroup_driver.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing, processesNaming } from "../fixtures/leftovers.ts";
import { Runc } from "../fixtures/runc.ts";
import { LIMITS, ROOT, testWhere } from "../fixtures/test_where.ts";
import { until } from "../fixtures/until.ts";

testWhere(ROOT, "pause and resume: states, refusals and exit codes as with runc", async () => {
  await leavesNothing("hull-lc-pause", async () => {
    await using hull = new Hull();
    await using runc = new Runc();
    using bundle = makeBundle("while :; do echo tick >> /tmp/ticks; sleep 0.05; done", (config) => {
      config.root.readonly = false;
    });
    const id = "hull-lc-pause";
    await hull.detach("create", "-b", bundle.folder, id);
    await runc.detach("create", "-b", bundle.folder, `${id}-runc`);
    /** A call of both; they must end alike. */
    const both = async (verb: string, ...rest: string[]): Promise<string> => {
      const ours = await hull.call([verb, id, ...rest]);
      const theirs = await runc.call([verb, `${id}-runc`, ...rest]);
      assertEquals(ours.code, theirs.code, `${verb}: ${ours.stderr} ${theirs.stderr}`);
      const theirState = JSON.parse(await runc.must("state", `${id}-runc`)).status;
      assertEquals(await hull.status(id), theirState, verb);
      return ours.stderr;
    };
    assertStringIncludes(await both("resume"), "container not paused");
    await both("pause"); // a created container can be paused
    await both("resume");
    await both("start");
    const ticks = () => {
      const text = Deno.readTextFileSync(`${bundle.folder}/rootfs/tmp/ticks`);
      return text.length;
    };
    await until(() => ticks() > 0);
    await both("pause");
    assertStringIncludes(await hull.must("list"), "paused");
    assertStringIncludes(await both("pause"), "container not running");
    assertStringIncludes(await both("delete"), "paused");
    await runc.must("kill", `${id}-runc`, "KILL");
    const before = ticks();
    await new Promise((resolve) => setTimeout(resolve, 300));
    assertEquals(ticks(), before, "a paused container wrote");
    assertEquals(JSON.parse(await hull.must("ps", "-f", "json", id)).length > 0, true);
    await hull.must("resume", id);
    await until(() => ticks() > before);
    await hull.must("kill", id, "0"); // asks whether it is there
    assertStringIncludes(await hull.refuse("kill", id, "NOSUCH"), 'unknown signal "NOSUCH"');
    await hull.must("kill", id, "KILL");
    await until(async () => await hull.status(id) === "stopped");
    for (const signal of ["0", "TERM", "sigkill"]) {
      const said = await hull.refuse("kill", id, signal);
      assertStringIncludes(said, "container not running", signal);
    }
    await hull.must("kill", "--all", id, "9"); // nobody is left to tell
    assertStringIncludes(await hull.refuse("pause", id), "container not running");
    assertStringIncludes(await hull.refuse("resume", id), "container not paused");
    await hull.must("delete", id);
  });
});

testWhere(
  LIMITS,
  "kill and delete of a paused container: TERM waits for resume, KILL and --force do not",
  async () => {
    await leavesNothing("hull-lc-frozen", async () => {
      await using hull = new Hull();
      using bundle = makeBundle("trap 'exit 0' TERM; sleep 600 & wait");
      const id = "hull-lc-frozen";
      const paused = async () => {
        await hull.detach("run", "-d", "-b", bundle.folder, id);
        await new Promise((resolve) => setTimeout(resolve, 100)); // sh sets its trap
        await hull.must("pause", id);
      };
      await paused();
      await hull.must("kill", id, "TERM");
      assertEquals(await hull.status(id), "paused");
      await hull.must("resume", id);
      await until(async () => await hull.status(id) === "stopped");
      await hull.must("delete", id);
      await paused();
      await hull.must("kill", id, "KILL");
      await until(async () => await hull.status(id) === "stopped");
      await hull.must("delete", id);
      await paused();
      await hull.must("delete", "--force", id);
      await hull.refuse("state", id);
    });
  },
);

testWhere(LIMITS, "kill KILL ends all of a container in the host's pid namespace", async () => {
  await leavesNothing("hull-lc-hostpid", async () => {
    await using hull = new Hull();
    const marker = `hull-lc-hostpid-${crypto.randomUUID()}`;
    using bundle = makeBundle(`sh -c 'sleep 600; : ${marker}' & wait`, (config) => {
      config.linux.namespaces = config.linux.namespaces?.filter(({ type }) => type !== "pid") ?? [];
    });
    await hull.detach("run", "-d", "-b", bundle.folder, "hull-lc-hostpid");
    await until(() => processesNaming(marker).length === 2);
    await hull.must("kill", "hull-lc-hostpid", "KILL");
    await until(() => processesNaming(marker).length === 0);
    // processes without the name may be about to end
    await until(async () => (await hull.call(["kill", "hull-lc-hostpid", "KILL"])).code !== 0);
    assertStringIncludes(await hull.refuse("kill", "hull-lc-hostpid", "KILL"), "not running");
    await hull.must("delete", "hull-lc-hostpid");
  });
});

testWhere(
  LIMITS,
  "the library: pause of a paused container does nothing, resume of a running one is refused",
  async () => {
    const factory = new Factory({
      ...DRIVER,
      root: Deno.makeTempDirSync({ prefix: "hull-test-root-" }),
    });
    await using container = await factory.create("hull-lc-lib-pause");
    await container.run(new Process({ args: ["sleep", "600"], stdin: "null", stdout: "null" }));
    await container.pause();
    await container.pause();
    assertEquals(container.status(), "paused");
    await container.resume();
    const code = await container.resume().then(() => "", ({ code }) => code);
    assertEquals(code, "ContainerNotPaused");
    await container[Symbol.asyncDispose]();
    Deno.removeSync(factory.root);
  },
);
