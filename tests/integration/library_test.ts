import { assert, assertEquals, assertGreater, assertMatch, assertRejects } from "@std/assert";
import { type Container, ContainerError, Factory, Process } from "../../mod.ts";
import { identify } from "../../src/state/process_identity.ts";
import { makeBundle, run, scratchFolder } from "../fixtures/bundle.ts";
import { DRIVER } from "../fixtures/cgroup_driver.ts";
import { HULL } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { rootFolder } from "../fixtures/root_folder.ts";
import { LIMITS, testWhere } from "../fixtures/test_where.ts";
import { until } from "../fixtures/until.ts";

/** A factory whose root folder goes with the scope. */
function scratchFactory(): { readonly factory: Factory } & AsyncDisposable {
  const root = rootFolder();
  return {
    factory: new Factory({ ...DRIVER, root: root.path }),
    [Symbol.asyncDispose]: () => root[Symbol.asyncDispose](),
  };
}

async function output(container: Container, process: Process): Promise<string> {
  await container.run(process);
  const [text] = await Promise.all([new Response(process.stdout).text(), process.wait()]);
  return text;
}

Deno.test("a program creates a container, runs a command in it and gets its exit code", async () => {
  await leavesNothing("hull-lib-run", async () => {
    await using scratch = scratchFactory();
    await using container = await scratch.factory.create("hull-lib-run");
    const args = ["sh", "-c", "echo $$; hostname; exit 7"];
    const process = new Process({ args, stdout: "piped" });
    await container.run(process);
    assertEquals(await new Response(process.stdout).text(), "1\nhull-lib-run\n");
    assertEquals(await process.wait(), { code: 7, signal: undefined });
    assertEquals(container.status(), "stopped");
  });
});

Deno.test("start waits, release lets run, signal ends, destroy removes", async () => {
  await leavesNothing("hull-lib-life", async () => {
    await using scratch = scratchFactory();
    using bundle = makeBundle("sleep 600");
    const { factory } = scratch;
    const container = await factory.create("hull-lib-life", bundle.config, {
      bundle: bundle.folder,
    });
    assertEquals(container.status(), "creating");
    const process = new Process({ stdin: "null" });
    await container.start(process);
    assertEquals(container.status(), "created");
    assertEquals(container.ociState().pid, process.pid);
    await container.release();
    assertEquals(factory.load(container.id).status(), "running");
    const further = new Process({ args: ["true"], stdin: "null" });
    await container.start(further); // a second one joins
    assertEquals((await further.wait()).code, 0);
    const again = await assertRejects(() => container.release(), ContainerError);
    assertEquals(again.code, "ContainerNotStopped");
    const destroyed = await assertRejects(() => container.destroy(), ContainerError);
    assertEquals(destroyed.code, "ContainerNotStopped");
    container.signal("TERM", { all: true });
    container.signal("KILL");
    assertEquals((await process.wait()).signal, 9);
    await container.wait();
    await container.destroy();
    assertEquals(factory.list(), []);
  });
});

Deno.test("exec is an older name of release", async () => {
  await using scratch = scratchFactory();
  using bundle = makeBundle("exit 3");
  await using container = await scratch.factory.create("hull-lib-exec", bundle.config, {
    bundle: bundle.folder,
  });
  const process = new Process({ stdin: "null" });
  await container.start(process);
  await container.exec();
  assertEquals((await process.wait()).code, 3);
});

Deno.test("stdio: pipes both ways, fds by number, extra files from 3 on", async () => {
  await leavesNothing("hull-lib-fds", async () => {
    await using scratch = scratchFactory();
    using folder = scratchFolder();
    await using container = await scratch.factory.create("hull-lib-fds");
    const file = `${folder.path}/err`;
    const { openFd } = await import("../fixtures/fds.ts");
    using err = openFd(file, "w");
    using extra = openFd("/etc/hostname", "r");
    const process = new Process({
      args: ["sh", "-c", "cat; echo problem >&2; cat <&3 >/dev/null && echo three"],
      stdin: "piped",
      stdout: "piped",
      stderr: err.number,
      extraFiles: [extra.number],
    });
    await container.run(process);
    const writer = process.stdin.getWriter();
    await writer.write(new TextEncoder().encode("question\n"));
    await writer.close();
    assertEquals(await new Response(process.stdout).text(), "question\nthree\n");
    assertEquals((await process.wait()).code, 0);
    assertEquals(Deno.readTextFileSync(file), "problem\n");
  });
});

Deno.test("a process's own user, environment, folder, limits and privileges win", async () => {
  await leavesNothing("hull-lib-own", async () => {
    await using scratch = scratchFactory();
    using bundle = makeBundle("");
    const { factory } = scratch;
    await using container = await factory.create("hull-lib-own", bundle.config, {
      bundle: bundle.folder,
    });
    const script =
      "id -u; id -g; id -G; pwd; echo $KEY; ulimit -n; grep NoNewPrivs /proc/self/status;" +
      "grep CapBnd /proc/self/status";
    const process = new Process({
      args: ["sh", "-c", script],
      user: "web:log",
      additionalGids: [20],
      env: ["PATH=/bin", "KEY=value"],
      cwd: "/tmp",
      rlimits: [{ type: "RLIMIT_NOFILE", soft: 100, hard: 100 }],
      capabilities: { bounding: ["CAP_CHOWN"] },
      noNewPrivileges: false,
      stdout: "piped",
    });
    assertEquals(
      await output(container, process),
      "1000\n4\n4 20\n/tmp\nvalue\n100\nNoNewPrivs:\t0\nCapBnd:\t0000000000000001\n",
    );
  });
});

Deno.test("a first process that nobody waits for is reaped when another program ends it", async () => {
  await leavesNothing("hull-lib-unasked", async () => {
    await using scratch = scratchFactory();
    const { factory } = scratch;
    const container = await factory.create("hull-lib-unasked");
    const process = new Process({ args: ["sleep", "1000"], stdin: "null" });
    await container.run(process);
    const { pid } = process;
    const { code } = await new Deno.Command(HULL[0] as string, {
      args: [...HULL.slice(1), "--root", factory.root, "delete", "--force", container.id],
    }).output();
    assertEquals(code, 0);
    await until(() => identify(pid) === undefined);
    assertEquals((await process.wait()).signal, 9); // it is kept for who asks later
  });
});

Deno.test("an unknown user is an error before anything starts", async () => {
  await using scratch = scratchFactory();
  using bundle = makeBundle("");
  await using container = await scratch.factory.create("hull-lib-user", bundle.config, {
    bundle: bundle.folder,
  });
  const process = new Process({ user: "nobody-here" });
  const error = await assertRejects(() => container.run(process), ContainerError);
  assertEquals(error.code, "ConfigInvalid");
});

testWhere(LIMITS, "stats and set: what a container uses and may use", async () => {
  await leavesNothing("hull-lib-stats", async () => {
    await using scratch = scratchFactory();
    await using container = await scratch.factory.create("hull-lib-stats");
    const process = new Process({ args: ["sleep", "600"], stdin: "null" });
    await container.run(process);
    await container.set({ pids: { limit: 17 } });
    const { pids, memory, cpu } = container.stats();
    assertEquals([pids?.current, pids?.limit], [1, 17]);
    assertGreater(memory?.usage.usage ?? 0, 0);
    assert(cpu !== undefined);
    assertEquals(container.processes(), [process.pid]);
    container.signal("KILL");
    await process.wait();
  });
});

testWhere(LIMITS, "pause stops every process, resume lets them go on", async () => {
  await leavesNothing("hull-lib-pause", async () => {
    await using scratch = scratchFactory();
    await using container = await scratch.factory.create("hull-lib-pause");
    const args = ["sh", "-c", "while :; do :; done"];
    const process = new Process({ args, stdin: "null" });
    await container.run(process);
    await container.pause();
    assertEquals(container.status(), "paused");
    const used = () => cpuTicks(process.pid);
    const before = used();
    await new Promise((resolve) => setTimeout(resolve, 200));
    assertEquals(used(), before);
    await container.resume();
    assertEquals(container.status(), "running");
    await until(() => used() > before);
    await container.pause();
    await container.destroy({ force: true });
  });
});

testWhere(LIMITS, "memory: 4 MiB are enough for /bin/true, and so are 512 KiB", async () => {
  await using scratch = scratchFactory();
  for (const limit of [4 << 20, 512 << 10]) {
    const id = `hull-lib-memory-${limit}`;
    await leavesNothing(id, async () => {
      using bundle = makeBundle("", (config) => {
        config.process.args = ["/bin/true"];
        config.linux.resources = { memory: { limit, swap: limit } };
      });
      await using container = await scratch.factory.create(id, bundle.config, {
        bundle: bundle.folder,
      });
      const process = new Process({ stdin: "null" });
      await container.start(process);
      assertEquals(container.stats().memory?.usage.limit, limit);
      await container.release();
      assertEquals(await process.wait(), { code: 0, signal: undefined }, `${limit} bytes`);
    });
  }
});

testWhere(LIMITS, "what exceeds its memory limit is killed", async () => {
  await leavesNothing("hull-lib-oom", async () => {
    await using scratch = scratchFactory();
    using bundle = makeBundle("", (config) => {
      config.process.args = ["sh", "-c", "x=aaaaaaaa; while :; do x=$x$x; done"];
      config.linux.resources = { memory: { limit: 8 << 20, swap: 8 << 20 } };
    });
    await using container = await scratch.factory.create("hull-lib-oom", bundle.config, {
      bundle: bundle.folder,
    });
    const process = new Process({ stdin: "null" });
    await container.run(process);
    assertEquals((await process.wait()).signal, 9);
  });
});

Deno.test("ids that could leave the root folder are refused", async () => {
  await using scratch = scratchFactory();
  for (const id of ["", ".", "..", "a/b", "../a", "a b", "ä", "a\0b", "x".repeat(1025)]) {
    const error = await assertRejects(() => scratch.factory.create(id), ContainerError);
    assertEquals(error.code, "InvalidIdFormat", id);
  }
});

Deno.test("all faults of a config come at once, with their pointers", async () => {
  await using scratch = scratchFactory();
  const config = { ociVersion: "9", process: { cwd: "x", args: [] }, hostname: 5 };
  const error = await assertRejects(
    () => scratch.factory.create("hull-lib-faults", config as never),
    ContainerError,
  );
  assertEquals(error.code, "ConfigInvalid");
  const pointers = error.faults?.map(({ pointer }) => pointer) ?? [];
  for (const pointer of ["/ociVersion", "/process/cwd", "/hostname"]) {
    assert(pointers.includes(pointer), `${pointer} in ${pointers}`);
  }
});

Deno.test("a program that is its own init calls startInitialization", async () => {
  await leavesNothing("hull-own-init", async () => {
    using root = scratchFolder();
    const path = (name: string) => new URL(name, import.meta.url).pathname;
    const factory = new Factory({
      ...DRIVER,
      root: root.path,
      initCommand: [
        Deno.execPath(),
        "run",
        "--quiet",
        "--allow-all",
        "--no-lock",
        "--config",
        path("../../deno.json"),
        path("../fixtures/own_init.ts"),
      ],
    });
    await using container = await factory.create("hull-own-init");
    const process = new Process({ args: ["echo", "own"], stdout: "piped" });
    assertEquals(await output(container, process), "own\n");
  });
});

Deno.test("a bundle that umoci unpacked runs unchanged", async () => {
  await leavesNothing("hull-umoci", async () => {
    await using scratch = scratchFactory();
    using folder = scratchFolder();
    using source = makeBundle("");
    const image = `${folder.path}/image`;
    run("umoci", "init", "--layout", image);
    run("umoci", "new", "--image", `${image}:busybox`);
    run("umoci", "insert", "--image", `${image}:busybox`, `${source.folder}/rootfs`, "/");
    const command = ["--config.cmd", "echo", "--config.cmd", "from umoci"];
    run("umoci", "config", "--image", `${image}:busybox`, ...command);
    const rights = Deno.uid() === 0 ? [] : ["--rootless"];
    run("umoci", "unpack", ...rights, "--image", `${image}:busybox`, `${folder.path}/bundle`);
    const config = JSON.parse(Deno.readTextFileSync(`${folder.path}/bundle/config.json`));
    config.process.terminal = false;
    await using container = await scratch.factory.create("hull-umoci", config, {
      bundle: `${folder.path}/bundle`,
    });
    assertMatch(await output(container, new Process({ stdout: "piped" })), /^from umoci$/m);
  });
});

/** The user time of a process: proc(5), stat. */
function cpuTicks(pid: number): number {
  return Number(Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1]?.split(" ")[11]);
}
