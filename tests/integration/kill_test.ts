import { assert, assertEquals } from "@std/assert";
import { makeBundle } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing, processesNaming } from "../fixtures/leftovers.ts";
import { until } from "../fixtures/until.ts";

/** How a start can go. */
const KINDS = ["direct", "reexec"] as const;

/** hull's processes that act as init, or a container's, of one test. */
function initsOf(root: string, id: string, marker: string): number[] {
  return [...Deno.readDirSync("/proc")].flatMap(({ name }) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const command = Deno.readTextFileSync(`/proc/${name}/cmdline`);
      const environment = Deno.readTextFileSync(`/proc/${name}/environ`);
      const isInit = environment.includes("_HULL_INIT=") && environment.includes(root);
      const isDirect = command === `hull-init\0${id}\0`;
      return isInit || isDirect || command.includes(marker) ? [Number(name)] : [];
    } catch {
      return []; // it has ended
    }
  });
}

for (const kind of KINDS) {
  Deno.test(`kill -9 of hull at any moment of a birth leaves no running init, and the id is free again: ${kind}`, async () => {
    await leavesNothing("hull-kill", async () => {
      await using hull = new Hull();
      const id = "hull-kill";
      const marker = `marker-${crypto.randomUUID()}`;
      using bundle = makeBundle(`sleep 600; : ${marker}`);
      for (let delay = 10; delay <= 210; delay += 16) {
        const child = hull.command(["create", "--init", kind, "-b", bundle.folder, id], {
          stdin: "null",
          stdout: "null",
          stderr: "null",
          env: { LD_LIBRARY_PATH: hull.root }, // init keeps it, by which the test knows it
        }).spawn();
        await new Promise((resolve) => setTimeout(resolve, delay));
        try {
          child.kill("SIGKILL");
        } catch { /* it was done by then */ }
        await child.status;
        const { code, stdout } = await hull.call(["state", id]);
        const status = code === 0 ? JSON.parse(stdout).status : "none";
        const inits = () => initsOf(hull.root, id, marker).length;
        if (status === "created") assertEquals(inits(), 1);
        else await until(() => inits() === 0);
        assert(["none", "stopped", "created"].includes(status), `${status} after ${delay} ms`);
        const again = await hull.call(["delete", "--force", id]);
        assertEquals(again.code, 0, again.stderr);
        await until(() => inits() === 0);
        assertEquals([...Deno.readDirSync(hull.root)], []);
      }
    });
  });
}

Deno.test("kill -9 of hull while run waits leaves a container that can be deleted", async () => {
  await leavesNothing("hull-orphan", async () => {
    await using hull = new Hull();
    using bundle = makeBundle("sleep 600");
    const child = hull.command(["run", "-b", bundle.folder, "hull-orphan"], {
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await until(async () => {
      const { code, stdout } = await hull.call(["state", "hull-orphan"]);
      return code === 0 && JSON.parse(stdout).status === "running";
    });
    child.kill("SIGKILL");
    await child.status;
    assertEquals(await hull.status("hull-orphan"), "running");
    await hull.must("delete", "--force", "hull-orphan");
  });
});

for (const kind of KINDS) {
  Deno.test(`kill -9 of init at any moment gives the caller an error, not a hang: ${kind}`, async () => {
    await leavesNothing("hull-murder", async () => {
      await using hull = new Hull();
      const id = "hull-murder";
      const marker = `marker-${crypto.randomUUID()}`;
      using bundle = makeBundle(`exit 0; : ${marker}`, (config) => {
        // A direct init is done in a moment: here it has to wait for a hook.
        const hook = { path: "/bin/sleep", args: ["sleep", "0.05"] };
        if (kind === "direct") config.hooks = { createRuntime: [hook] };
      });
      let murders = 0;
      // From the moment on at which init is there, however long this host takes to come to it.
      for (let delay = 0; delay <= 75; delay += 5) {
        const child = hull.command(["run", "--init", kind, "-b", bundle.folder, id], {
          stdin: "null",
          stdout: "null",
          stderr: "piped",
          env: { LD_LIBRARY_PATH: hull.root },
        }).spawn();
        const inits = () => initsOf(hull.root, id, marker).filter((pid) => pid !== child.pid);
        let hasEnded = false; // a slow host may see its init too late
        const end = child.status.then(() => hasEnded = true);
        for (let waited = 0; waited < 4000 && !hasEnded && inits().length === 0; waited += 2) {
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
        await new Promise((resolve) => setTimeout(resolve, delay));
        for (const pid of inits()) {
          try {
            Deno.kill(pid, "SIGKILL");
          } catch { /* it has ended */ }
        }
        const { code, stderr } = await child.output();
        await end;
        const said = new TextDecoder().decode(stderr);
        assert([0, 1, 137].includes(code), `${code}: ${said}`);
        if (code === 1) {
          murders++;
          assert(said.startsWith("hull: ") && said.trimEnd().split("\n").length === 1, said);
        }
        assertEquals([...Deno.readDirSync(hull.root)], [], said);
      }
      assert(murders > 0, "no init was killed while it was init");
    });
  });
}

Deno.test("kill -9 of a created init: start says so", async () => {
  await using hull = new Hull();
  using bundle = makeBundle("sleep 600");
  await hull.detach("create", "-b", bundle.folder, "hull-dead");
  const { pid } = JSON.parse(await hull.must("state", "hull-dead"));
  Deno.kill(pid, "SIGKILL");
  await until(async () => await hull.status("hull-dead") === "stopped");
  const said = await hull.refuse("start", "hull-dead");
  assert(said.includes("is stopped"), said);
  await hull.must("delete", "hull-dead");
  assertEquals(processesNaming("hull-dead"), []);
});
