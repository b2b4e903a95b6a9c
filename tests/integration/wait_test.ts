import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { makeBundle } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing, processesNaming } from "../fixtures/leftovers.ts";
import { SLOWNESS, until } from "../fixtures/until.ts";

/** The name of a process; empty if it has ended. */
function commOf(pid: string): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/comm`).trim();
  } catch {
    return "";
  }
}

/** The supervisor of a container. */
function supervisorOf(id: string): number | undefined {
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const command = Deno.readTextFileSync(`/proc/${name}/cmdline`);
      if (command === `hull-supervisor\0${id}\0`) return Number(name);
    } catch { /* it has ended */ }
  }
  return undefined;
}

Deno.test("wait gives the exit code of a supervised container to any caller, until it is deleted", async () => {
  await leavesNothing("hull-lc-wait", async () => {
    await using hull = new Hull();
    using bundle = makeBundle("while [ ! -e /tmp/go ]; do sleep 0.1; done; exit 7", (config) => {
      config.root.readonly = false;
    });
    const id = "hull-lc-wait";
    await hull.detach("run", "-d", "--supervise", "-b", bundle.folder, id);
    const pid = supervisorOf(id) ?? 0;
    const memory = /^VmRSS:\s+(\d+) kB/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`));
    assert(Number(memory?.[1]) < 100, `the supervisor takes ${memory?.[1]} kB`);
    // Of the caller's fds none stays open: it has the record alone.
    assertEquals(
      [...Deno.readDirSync(`/proc/${pid}/fd`)].map(({ name }) =>
        Deno.readLinkSync(`/proc/${pid}/fd/${name}`)
      ),
      [`${hull.root}/${id}/exit`],
    );
    assertEquals(JSON.parse(await hull.must("state", id)).exitCode, undefined);
    const early = [hull.call(["wait", id]), hull.call(["wait", id])];
    await new Promise((resolve) => setTimeout(resolve, 500 * SLOWNESS));
    Deno.writeTextFileSync(`${bundle.folder}/rootfs/tmp/go`, "");
    for (const { code, stdout } of await Promise.all(early)) {
      assertEquals([code, stdout], [0, "7\n"]);
    }
    assertEquals(await hull.must("wait", id), "7\n");
    const { status, exitCode } = JSON.parse(await hull.must("state", id));
    assertEquals([status, exitCode], ["stopped", 7]);
    assertEquals(supervisorOf(id), undefined);
    await hull.must("delete", id);
    assertStringIncludes(await hull.refuse("wait", id), "does not exist");
  });
});

Deno.test("create --supervise, start, and a signal's end: 128 and its number", async () => {
  await leavesNothing("hull-lc-wait-kill", async () => {
    await using hull = new Hull();
    using bundle = makeBundle("sleep 600");
    const id = "hull-lc-wait-kill";
    await hull.detach("create", "--supervise", "-b", bundle.folder, id);
    await hull.must("start", id);
    await hull.must("kill", id, "KILL");
    assertEquals(await hull.must("wait", id), "137\n");
    await hull.must("delete", id);
    // A container that is deleted under a waiter's eyes has still told how it ended.
    await hull.detach("run", "-d", "--supervise", "-b", bundle.folder, id);
    const waiting = hull.call(["wait", id]);
    await new Promise((resolve) => setTimeout(resolve, 500 * SLOWNESS));
    await hull.must("delete", "--force", id);
    assertEquals((await waiting).stdout, "137\n");
  });
});

Deno.test("without a supervisor, or with one that was killed, wait tells the end alone", async () => {
  await leavesNothing("hull-lc-wait-none", async () => {
    await using hull = new Hull();
    using bundle = makeBundle(`sleep ${3 * SLOWNESS}; exit 7`);
    const id = "hull-lc-wait-none";
    await hull.detach("run", "-d", "-b", bundle.folder, id);
    const { code, stdout, stderr } = await hull.call(["wait", id]);
    assertEquals([code, stdout], [2, ""]);
    assertStringIncludes(stderr, "its exit code is not known");
    await hull.must("delete", id);
    await hull.detach("run", "-d", "--supervise", "-b", bundle.folder, id);
    Deno.kill(supervisorOf(id) ?? 0, "SIGKILL");
    assertEquals(await hull.status(id), "running");
    assertEquals((await hull.call(["wait", id])).code, 2);
    await hull.must("delete", id);
  });
});

Deno.test("of a run in the foreground wait knows the exit code as well, kept or not", async () => {
  await using hull = new Hull();
  using slow = makeBundle(`sleep ${4 * SLOWNESS}; exit 6`);
  const running = hull.call(["run", "-b", slow.folder, "hull-lc-fore"]);
  await until(async () => {
    const { code, stdout } = await hull.call(["state", "hull-lc-fore"]);
    return code === 0 && JSON.parse(stdout).status === "running";
  });
  assertEquals((await hull.call(["wait", "hull-lc-fore"])).stdout, "6\n");
  assertEquals((await running).code, 6);
  using bundle = makeBundle("exit 4");
  await hull.call(["run", "--keep", "-b", bundle.folder, "hull-lc-keep"]);
  assertEquals(await hull.must("wait", "hull-lc-keep"), "4\n");
  await hull.must("delete", "hull-lc-keep");
});

Deno.test("what fails below a supervisor fails as without one, and leaves none", async () => {
  await leavesNothing("hull-lc-wait-bad", async () => {
    await using hull = new Hull();
    using bundle = makeBundle("exit 0", (config) => {
      config.process.args = ["/no/such/program"];
    });
    const said = await hull.refuse(
      "run",
      "-d",
      "--supervise",
      "-b",
      bundle.folder,
      "hull-lc-wait-bad",
    );
    assertStringIncludes(said, "/no/such/program");
    await until(() => supervisorOf("hull-lc-wait-bad") === undefined);
    const refusal = await hull.refuse(
      "run",
      "--supervise",
      "-b",
      bundle.folder,
      "hull-lc-wait-bad",
    );
    assertStringIncludes(refusal, "add --detach");
    assertEquals([...Deno.readDirSync(hull.root)], []);
  });
});

Deno.test("a foreground run reaps what the container leaves to it", async () => {
  await leavesNothing("hull-lc-orphan", async () => {
    await using hull = new Hull();
    // Without a pid namespace orphans go to the nearest subreaper, which is hull.
    const script =
      "for i in 1 2 3; do sh -c 'sleep 0.2 & exit 0'; done; sleep 1.2; ps -o ppid,stat";
    using bundle = makeBundle(script, (config) => {
      config.linux.namespaces = config.linux.namespaces?.filter(({ type }) => type !== "pid") ?? [];
    });
    for (const [flags, parent] of [[[], "hull's"], [["--no-subreaper"], "another"]] as const) {
      const args = ["run", ...flags, "-b", bundle.folder, "hull-lc-orphan"];
      const child = hull.command(args, { stdin: "null", stdout: "piped", stderr: "null" }).spawn();
      let adopted = false;
      const stop = Date.now() + 20_000;
      // by name: a user's hull has children of its own for a moment, the tools for its ids
      const orphans = () => {
        try {
          return Deno.readTextFileSync(`/proc/${child.pid}/task/${child.pid}/children`)
            .trim().split(" ").filter((pid) => commOf(pid) === "sleep").length;
        } catch {
          return -1; // it has ended
        }
      };
      for (let count = orphans(); count >= 0 && Date.now() < stop; count = orphans()) {
        if (count > 0) adopted = true;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      const { stdout, code } = await child.output();
      const zombies = new TextDecoder().decode(stdout).split("\n")
        .filter((line) => line.trim().startsWith(`${child.pid} Z`));
      assertEquals([code, zombies], [0, []]);
      assertEquals(adopted, parent === "hull's", `the orphans were ${parent}`);
    }
    assertEquals(processesNaming("hull-lc-orphan"), []);
  });
});
