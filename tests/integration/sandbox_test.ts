import { assert, assertEquals, assertGreater, assertRejects } from "@std/assert";
import {
  type Factory,
  KillController,
  Sandbox,
  SandboxCommandError,
  SandboxPool,
} from "../../mod.ts";
import { refused, startMaker, withSandbox, withSandboxRoot } from "../fixtures/sandbox.ts";
import { scratchFolder } from "../fixtures/bundle.ts";
import { LIMITS, testWhere } from "../fixtures/test_where.ts";
import { fromFileUrl } from "../fixtures/paths.ts";
import { until } from "../fixtures/until.ts";

const MOD = new URL("../../mod.ts", import.meta.url).href;
const CONFIG = fromFileUrl(new URL("../../deno.json", import.meta.url));

Deno.test("commands of a sandbox: text, JSON, lines, exit codes, quoting", async () => {
  await withSandbox("hull-sb-sh", async ({ sh }) => {
    assertEquals(await sh`pwd; echo $HOME; id -u`.text(), "/home/app\n/home/app\n0\n");
    assertEquals(await sh`echo '{"count": 42}'`.json<{ count: number }>(), { count: 42 });
    const lines: string[] = [];
    for await (const line of sh`printf 'a\nb\n\nc'`.lines()) lines.push(line);
    assertEquals(lines, ["a", "b", "", "c"]);

    const odd = ["$(touch /tmp/x)", "a'b\"c", "", "--", "`id`", "line\nbreak", "*", 7, true];
    const printed = await sh`printf '<%s>' ${odd}`.text();
    assertEquals(printed, odd.map((word) => `<${word}>`).join(""));
    await refused("ConfigInvalid", () => sh`echo ${{ not: "a word" }}`.text());

    const failed = await assertRejects(
      () => sh`echo why >&2; exit 42`.stderr("piped").text(),
      SandboxCommandError,
    );
    assertEquals(failed.code, 42);
    assertEquals(failed.message, "the command ended with 42\nwhy\n");
    const { status, stdout, stdoutText } = await sh`printf x; exit 5`.noThrow().stdout("piped");
    assertEquals(status, { success: false, code: 5, signal: null, oom: false });
    assertEquals([stdout, stdoutText], [new TextEncoder().encode("x"), "x"]);
    const there = await sh`echo $A$B; pwd`.cwd("/tmp").env("A", "1").env("B", "2").text();
    assertEquals(there, "12\n/tmp\n");
    assertEquals(await sh`id -u`.sudo().text(), "0\n");
  });
});

Deno.test("a signal reaches a command whenever it is sent", async () => {
  await withSandbox("hull-sb-early", async ({ sh }) => {
    const slow = () => sh`sleep 600`.noThrow();
    const controller = new KillController();
    const started = slow().signal(controller.signal).result();
    controller.kill(); // while it is being started
    assertEquals((await started).status.signal, "SIGTERM");
    const lines = slow().signal(controller.signal).lines();
    await assertRejects(() => lines.next(), SandboxCommandError, "before it began");
    await assertRejects(() => slow().signal(controller.signal).spawn(), SandboxCommandError);
    assertEquals((await slow().signal(controller.signal)).status.code, 143);
    const abort = new AbortController();
    const aborted = slow().signal(abort.signal).result();
    abort.abort();
    assertEquals((await aborted).status.signal, "SIGTERM");
    assertEquals((await slow().signal(AbortSignal.abort())).status.signal, "SIGTERM");
  });
});

Deno.test("a command is ended with all that it has started", async () => {
  await withSandbox("hull-sb-end", async (sandbox) => {
    const { sh } = sandbox;
    const slow = () => sh`echo begun; sleep 600; echo no`.stdout("piped").noThrow();
    const abort = new AbortController();
    const controller = new KillController();
    const [aborted, killed] = [slow().signal(abort.signal), slow().signal(controller.signal)];
    const results = Promise.all([aborted.result(), killed.result()]);
    const sleeping = () => sh`pgrep -c sleep || true`.text();
    await until(async () => await sleeping() === "2\n");
    abort.abort();
    controller.kill("SIGKILL");
    const [first, second] = await results;
    assertEquals([first.status.signal, first.stdoutText], ["SIGTERM", "begun\n"]);
    assertEquals([second.status.signal, second.status.oom], ["SIGKILL", false]);
    await until(async () => await sleeping() === "0\n");
    // No command begins any more then.
    assertEquals((await slow().signal(controller.signal)).status.code, 137);
    for await (const line of sh`while :; do echo again; sleep 0.01; done`.lines()) {
      assertEquals(line, "again");
      break;
    }
    await until(async () => await sh`pgrep -c bash || true`.text() === "1\n"); // its own
  });
});

Deno.test("programs of a sandbox have streams, a number, a status", async () => {
  await withSandbox("hull-sb-spawn", async (sandbox) => {
    const child = await sandbox.spawn("cat", { stderr: "null" });
    assertGreater(child.pid, 1);
    assertEquals(child.stderr, null);
    const seen = await sandbox.fs.readDir("/proc");
    const numbers: string[] = [];
    for await (const { name } of seen) numbers.push(name);
    assert(numbers.includes(String(child.pid)));
    const writer = child.stdin?.getWriter();
    await writer?.write(new TextEncoder().encode("to and fro"));
    await writer?.close();
    const { status, stdoutText, stderr } = await child.output();
    assertEquals([status.success, stdoutText, stderr], [true, "to and fro", null]);

    const sleeper = await sandbox.spawn("sleep", { args: ["600"], stdin: "null" });
    await sleeper.kill("SIGKILL");
    assertEquals(await sleeper.status, {
      success: false,
      code: 137,
      signal: "SIGKILL",
      oom: false,
    });
    await sleeper.kill(); // it has ended, which is no error
    {
      await using left = await sandbox.spawn("sleep", { args: ["600"] });
      assertGreater(left.pid, 1);
    }
    const late = new AbortController();
    const cut = await sandbox.spawn("sleep", { args: ["600"], signal: late.signal });
    late.abort();
    assertEquals((await cut.output()).status.signal, "SIGTERM");
    const missing = await refused("InitFailed", () => sandbox.spawn("/no/such/program"));
    assertEquals(missing.errno, "ENOENT");
  });
});

Deno.test("the variables of a sandbox reach programs that are started later", async () => {
  const env = { GREETING: "hello" };
  await withSandbox("hull-sb-env", async ({ env, sh, spawn: _ }) => {
    assertEquals(await sh`echo $GREETING`.text(), "hello\n");
    await env.set("GREETING", "good 'evening'");
    assertEquals(await env.get("GREETING"), "good 'evening'");
    assertEquals(await sh`echo $GREETING`.text(), "good 'evening'\n");
    assertEquals(await env.get("__proto__"), undefined);
    await env.delete("GREETING");
    assertEquals(await sh`echo [$GREETING]`.text(), "[]\n");
    assertEquals((await env.toObject()).HOME, "/home/app");
    for (const name of ["", "A=B", "A\0"]) await refused("ConfigInvalid", () => env.set(name, "x"));
  }, { env });
});

testWhere(
  LIMITS,
  "a program that takes too much memory is killed, and the sandbox lives",
  async () => {
    await withSandbox("hull-sb-oom", async ({ sh }) => {
      const greedy = await sh`head -c 300M /dev/zero | tail -c 300M >/dev/null; exit $?`
        .noThrow().stderr("null");
      assertEquals(greedy.status.code, 137);
      assertEquals(greedy.status.oom, true);
      const { status } = await sh`kill -9 $$`.noThrow();
      assertEquals([status.code, status.oom], [137, false]);
      assertEquals(await sh`echo alive`.text(), "alive\n");
    }, { memory: "64MiB" });
  },
);

Deno.test("a sandbox is found again, listed by its labels, and ended by anyone", async () => {
  await withSandboxRoot("hull-sb-again", async (factory) => {
    const labels = { for: "a test" };
    const id = "hull-sb-again";
    const made = await Sandbox.create({ factory, id, labels, timeout: "10m" });
    await made.env.set("A", "1");
    await made.close(); // it has a time, so it goes on
    await made.closed;
    const again = await Sandbox.connect(id, { factory });
    assertEquals(await again.sh`echo $A`.text(), "1\n");
    const before = again.deadline?.getTime() ?? 0;
    const after = await again.extendTimeout("5m");
    assertEquals(after.getTime() - before, 300_000);
    assertEquals(made.deadline?.getTime(), before); // that of the first handle is as it was read
    const third = await Sandbox.connect({ id, factory });
    assertEquals(third.deadline, after);
    const found = await Sandbox.list({ factory, labels });
    assertEquals(found.map(({ id, labels }) => ({ id, labels })), [{ id, labels }]);
    assertEquals(await Sandbox.list({ factory, labels: { for: "another" } }), []);
    await third.kill();
    await refused("ContainerNotExists", () => Sandbox.connect(id, { factory }));
    await refused("ContainerNotExists", () => again.spawn("true"));
    await made.kill();
  });
});

Deno.test("a sandbox ends at its deadline, and one that is prolonged later", async () => {
  await withSandboxRoot("hull-sb-late", async (factory) => {
    const short = await Sandbox.create({ factory, id: "hull-sb-late-1", timeout: "0.2s" });
    const long = await Sandbox.create({ factory, id: "hull-sb-late-2", timeout: "0.2s" });
    // The second may end before it is prolonged where the host is slow; then that says so.
    const prolonged = await long.extendTimeout("10m").catch(() => undefined);
    await short.closed;
    await until(() => !factory.ids().includes("hull-sb-late-1"));
    if (prolonged !== undefined) assertEquals(await long.sh`echo on`.text(), "on\n");
    await long.kill();
  });
});

Deno.test("a session ends with its program, a sandbox with a time does not", async () => {
  await withSandboxRoot("hull-sb-killed", async (factory) => {
    const [session, timed] = ["hull-sb-killed-1", "hull-sb-killed-2"];
    const makers = await Promise.all([
      startMaker(factory.root, session, "session"),
      startMaker(factory.root, timed, "10m"),
    ]);
    const [first] = makers;
    const ended = factory.load(session);
    const connected = await Sandbox.connect(session, { factory });
    assertEquals(await connected.fs.readTextFile("kept.txt"), "still here");
    for (const maker of makers) maker.kill("SIGKILL");
    for (const maker of makers) {
      await maker.status;
      await maker.stdin.close().catch(() => {});
    }
    assertEquals((await first?.status)?.signal, "SIGKILL");
    await until(() => ended.status() === "stopped");

    const again = await Sandbox.connect(timed, { factory });
    assertEquals(
      await again.sh`echo $KEPT; pgrep -c sleep; cat kept.txt`.text(),
      "yes\n1\nstill here",
    );
    await refused("ContainerNotExists", () => Sandbox.connect(session, { factory }));
    assertEquals((await Sandbox.list({ factory })).map(({ id }) => id), [timed]);
    await again.kill();
  });
});

Deno.test("what hosted sandboxes have and this machine has not is refused by name", async () => {
  await withSandboxRoot("hull-sb-refused", async (factory) => {
    const cases = { root: "a-volume", secrets: { KEY: {} }, ssh: true };
    for (const [name, value] of Object.entries(cases)) {
      const error = await refused("Unsupported", () => Sandbox.create({ factory, [name]: value }));
      assertEquals(error.pointer, `/${name}`);
    }
    const bad = { env: { "": "x" }, memory: "lots", timeout: "soon", port: 0 };
    const error = await refused(
      "ConfigInvalid",
      () => Sandbox.create({ factory, ...bad } as unknown as { factory: Factory }),
    );
    assertEquals(error.faults?.map(({ pointer }) => pointer), [
      "/env/",
      "/timeout",
      "/memory",
      "/port",
    ]);
  });
});

Deno.test("a sandbox reads and writes folders of the host that it was given", async () => {
  using folder = scratchFolder();
  await withSandbox("hull-sb-volumes", async ({ fs, sh }) => {
    Deno.writeTextFileSync(`${folder.path}/in`, "from the host");
    assertEquals(await sh`cat /data/deep/in; printf out > /data/deep/out`.text(), "from the host");
    assertEquals(Deno.readTextFileSync(`${folder.path}/out`), "out");
    await fs.writeTextFile("/data/deep/third", "3");
    assertEquals(Deno.readTextFileSync(`${folder.path}/third`), "3");
    await sh`mknod /data/deep/null c 1 3`.noThrow().stderr("null");
    assertEquals(
      await sh`cat /data/deep/null`.noThrow().stderr("null").stdout("piped")
        .then(({ status }) => status.code),
      1,
    );
  }, { volumes: { "/data/deep": folder.path } });
  await refused("Unsupported", () => Sandbox.create({ volumes: { "/data": "a-slug" } }));
});

Deno.test("a sandbox's first process reaps, and no program inside ends it", async () => {
  await withSandbox("hull-sb-first", async ({ sh }) => {
    await sh`(sleep 0.01 &) ; (true &)`;
    await until(async () => await sh`ps -eo stat= | grep -c Z || true`.text() === "0\n");
    await sh`kill -9 1; kill -TERM 1; kill -STOP 1; kill -9 -1`.noThrow().stderr("null");
    assertEquals(await sh`cat /proc/1/comm`.text(), ".sandbox\n");
  });
});

Deno.test("a pool has sandboxes ready, gives each away once, and leaves none", async () => {
  await withSandboxRoot("hull-sb-pool", async (factory) => {
    await using pool = new SandboxPool({ factory, warm: 2, env: { A: "1" } });
    const taken = await Promise.all([pool.take(), pool.take(), pool.take()]);
    assertEquals(new Set(taken.map(({ id }) => id)).size, 3);
    for (const { sh } of taken) assertEquals(await sh`echo $A; ls`.text(), "1\n");
    for (const sandbox of taken) await sandbox.close();
    await until(() => factory.ids().length === 2);
    for (const id of factory.ids()) await factory.remove(id, { force: true });
    const next = await pool.take(); // those that were ended while they waited are passed over
    assertEquals(await next.sh`echo on`.text(), "on\n");
    await next.close();
    await pool.close();
    await refused("NoProcessOps", () => pool.take());
    await refused("ConfigInvalid", () => Promise.try(() => new SandboxPool({ warm: 0 })));
  });
});

Deno.test("what a killed program has left of a sandbox goes with the next contact", async () => {
  await withSandboxRoot("hull-sb-left", async (factory) => {
    // As it is when the program is killed before it writes what the container is for.
    const script = `const factory = new (await import("${MOD}")).Factory({ root: Deno.args[0] });
      await factory.create("sandbox-0123456789ab");
      await factory.create("somebodys-own");
      Deno.kill(Deno.pid, "SIGKILL");`;
    const args = ["run", "--quiet", "-A", "--no-lock", "--config", CONFIG, "-", factory.root];
    const maker = new Deno.Command(Deno.execPath(), { args, stdin: "piped" }).spawn();
    await new Blob([script]).stream().pipeTo(maker.stdin);
    await maker.status;
    assertEquals(factory.ids(), ["sandbox-0123456789ab", "somebodys-own"]);
    assertEquals(await Sandbox.list({ factory }), []);
    assertEquals(factory.ids(), ["somebodys-own"]);
    await factory.remove("somebodys-own");
  });
});

Deno.test("programs that prolong one sandbox at once lose no time of each other's", async () => {
  await withSandbox("hull-sb-at-once", async (sandbox, factory) => {
    const begin = sandbox.deadline?.getTime() ?? 0;
    const code = `
      import { Factory, Sandbox } from ${JSON.stringify(MOD)};
      const factory = new Factory({ root: ${JSON.stringify(factory.root)} });
      const sandbox = await Sandbox.connect(${JSON.stringify(sandbox.id)}, { factory });
      for (let k = 0; k < 20; k++) await sandbox.extendTimeout("60s");
      Deno.exit(0);`;
    const args = ["eval", "--quiet", "--no-lock", "--config", CONFIG, code];
    const three = Array.from({ length: 3 }, () => new Deno.Command(Deno.execPath(), { args }));
    const ends = await Promise.all(three.map((each) => each.output()));
    assertEquals(ends.map((end) => end.code), [0, 0, 0]);
    const again = await Sandbox.connect(sandbox.id, { factory });
    assertEquals((again.deadline?.getTime() ?? 0) - begin, 60 * 60_000);
    const { closed } = again;
    await sandbox.kill();
    await closed; // whoever has ended it
  }, { timeout: "10m" });
});

Deno.test("a closed pool makes no more, also for one that took a sandbox which had ended", async () => {
  await withSandboxRoot("hull-sb-pool-closed", async (factory) => {
    const pool = new SandboxPool({ factory, warm: 1, memory: "64MiB" });
    await until(async () => (await Sandbox.list({ factory })).length === 1);
    const [first = ""] = factory.ids();
    await factory.remove(first, { force: true });
    const taking = pool.take();
    await pool.close();
    await (await taking).close();
    await new Promise((resolve) => setTimeout(resolve, 500));
    assertEquals(factory.ids(), []);
  });
});
