import { assertEquals, assertStringIncludes } from "@std/assert";
import { makeBundle, scratchFolder } from "../fixtures/bundle.ts";
import { FROM_SOURCES, Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { fromFileUrl } from "../fixtures/paths.ts";
import { ClientHull, TestResident } from "../fixtures/resident.ts";
import { until } from "../fixtures/until.ts";
import { exists } from "../fixtures/exists.ts";

const ID = "hull-left";

Deno.test("a client's own connection is none of the fds that a program keeps", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start();
    using bundle = makeBundle("sleep 60");
    await using hull = new ClientHull(resident, "bash", "-c", 'exec "$@" 3</dev/null 4>&-', "-");
    await hull.detach("run", "-d", "-b", bundle.folder, ID);
    const words = ["exec", "--preserve-fds", "2", ID, "true"];
    const { code, stderr } = await hull.call(words);
    assertEquals(code, 255);
    assertStringIncludes(stderr, "fd 4 can't be preserved");
    assertEquals(
      (await hull.call(["exec", "--preserve-fds", "1", ID, "test", "-e", "/proc/self/fd/3"])).code,
      0,
    );
  });
});

Deno.test("a client that can take few fds does its command itself", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start();
    using bundle = makeBundle("sleep 60");
    await using hull = new ClientHull(resident, "bash", "-c", 'ulimit -Sn 20; exec "$@"', "-");
    await hull.detach("run", "-d", "-b", bundle.folder, ID);
    assertEquals(await hull.must("exec", ID, "echo", "done"), "done\n");
    // A word of the program's is no command of hull's.
    assertStringIncludes(await hull.must("exec", ID, "ps"), "PID");
    assertEquals((await resident.status())?.served, 0);
    assertStringIncludes(await hull.must("state", ID), '"running"');
    assertEquals((await resident.status())?.served, 1);
  });
});

Deno.test("many fds that a program keeps are passed by the client itself", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start();
    using bundle = makeBundle("sleep 60");
    const script = 'for k in $(seq 3 402); do eval "exec $k</dev/null"; done; exec "$@"';
    await using hull = new ClientHull(resident, "bash", "-c", script, "-");
    await hull.detach("run", "-d", "-b", bundle.folder, ID);
    const words = ["exec", "--preserve-fds", "400", ID, "test", "-e", "/proc/self/fd/402"];
    assertEquals((await hull.call(words)).code, 0);
  });
});

Deno.test("children that a client had before live on when the resident is killed", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start();
    using scratch = scratchFolder();
    const mark = `${scratch.path}/mark`;
    using bundle = makeBundle("sleep 60", (config) => {
      const script = `[ -e ${mark} ] || { echo >${mark}; sleep 60; }`;
      config.hooks = { createRuntime: [{ path: "/bin/sh", args: ["sh", "-c", script] }] };
    });
    const child = `${scratch.path}/child`;
    const script = `sleep 600 </dev/null >/dev/null 2>&1 & echo $! >${child}; exec "$@"`;
    await using hull = new ClientHull(resident, "bash", "-c", script, "-");
    const creation = hull.command(["create", "-b", bundle.folder, ID], {
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await until(() => exists(mark));
    await resident.kill();
    assertEquals((await creation.status).code, 0);
    const pid = Number(Deno.readTextFileSync(child));
    assertStringIncludes(Deno.readTextFileSync(`/proc/${pid}/cmdline`), "sleep");
    Deno.kill(pid, "SIGKILL");
    await using own = new Hull();
    assertEquals((await own.call(["--root", hull.root, "delete", "--force", ID])).code, 0);
  });
});

Deno.test("a signal and a pause of which the resident is killed are no failures", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start();
    using bundle = makeBundle("sleep 60");
    await using hull = new ClientHull(resident);
    for (let k = 0; k < 8; k++) {
      const id = `${ID}-${k}`;
      await hull.detach("run", "-d", "-b", bundle.folder, id);
      const words = k % 2 === 0 ? ["kill", id, "KILL"] : ["pause", id];
      const call = hull.call(words);
      await new Promise((resolve) => setTimeout(resolve, 2 + 2 * k));
      await resident.kill();
      assertEquals(await call, { code: 0, stdout: "", stderr: "" }, words.join(" "));
      await hull.must("delete", "--force", id);
      await resident.begin();
    }
  });
});

Deno.test("a signal is sent once, whenever the resident is killed, and by the client itself", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start();
    await using hull = new ClientHull(resident);
    using bundle = makeBundle(
      "n=0; trap 'n=$((n+1)); echo $n' USR1; echo heeds; while :; do sleep 0.01; done",
    );
    using scratch = scratchFolder();
    const log = `${scratch.path}/log`;
    const redirected = new ClientHull(resident, "sh", "-c", `exec "$@" >${log} 2>&1`, "-");
    await using _also = redirected;
    const root = ["--root", hull.root];
    await redirected.detach(...root, "run", "-d", "-b", bundle.folder, ID);
    const signals = () => Deno.readTextFileSync(log).split("\n").length - 2;
    await until(() => signals() === 0);
    await hull.must("kill", ID, "USR1"); // one with which nothing happens
    await until(() => signals() === 1);
    assertEquals((await resident.status())?.served, 2);
    for (let k = 2; k < 14; k++) {
      const call = hull.call(["kill", ID, "USR1"]);
      await new Promise((resolve) => setTimeout(resolve, k / 2));
      await resident.kill();
      assertEquals(await call, { code: 0, stdout: "", stderr: "" });
      await until(() => signals() >= k);
      await new Promise((resolve) => setTimeout(resolve, 50));
      assertEquals(signals(), k);
      await resident.begin();
    }
    const words = ["kill", ID, "KILL"];
    assertEquals((await hull.call(["--debug", ...words])).code, 0);
    await until(async () => JSON.parse(await hull.must("state", ID)).status === "stopped");
    const late = await hull.call(words);
    assertEquals(late.code, 1);
    assertStringIncludes(late.stderr, "container not running");
    await hull.must("delete", ID);
  });
});

Deno.test("a client that has no room for a pidfd signals nobody else", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start("/bin/echo");
    using bundle = makeBundle("sleep 60");
    await using hull = new ClientHull(resident);
    await hull.detach("run", "-d", "-b", bundle.folder, ID);
    const caller = `
import os,resource,subprocess,sys
other=subprocess.Popen(["sleep","60"])
def before():
  os.dup2(os.pidfd_open(other.pid),0)
  resource.setrlimit(resource.RLIMIT_NOFILE,(4,1024)) # one for the connection
try: print(subprocess.run(sys.argv[1:],preexec_fn=before,stdout=-1,text=True).stdout,other.poll())
finally: other.kill()`;
    const { stdout } = await new Deno.Command("python3", {
      args: ["-c", caller, resident.client, "--root", hull.root, "kill", ID, "KILL"],
      stdin: "null",
    }).output();
    // what stands in for the launcher says its words
    assertEquals(new TextDecoder().decode(stdout), `--root ${hull.root} kill ${ID} KILL\n None\n`);
    assertStringIncludes(await hull.must("state", ID), '"running"');
  });
});

Deno.test("a container whose starter was killed after the start runs", async () => {
  await leavesNothing(ID, async () => {
    using bundle = makeBundle("sleep 60");
    await using hull = new Hull();
    for (const before of [[], ["--left-by-resident=begun"]]) {
      await hull.detach("create", "-b", bundle.folder, ID);
      Deno.writeTextFileSync(`${hull.root}/${ID}/exec.fifo`, "\x01");
      await until(async () => (await hull.call(["ps", ID])).stdout.includes("sleep 60"));
      const { code, stderr } = await hull.call([...before, "start", ID]);
      assertEquals(code, before.length === 0 ? 1 : 0);
      if (code !== 0) assertStringIncludes(stderr, "runs already");
      assertStringIncludes(await hull.must("state", ID), '"status": "running"');
      await hull.must("delete", "--force", ID);
    }
  });
});

for (
  const [what, said] of [
    ["will run", "code 3"],
    ["has run", "code 3"],
    ["will fail", "none"],
    ["has failed", "none"],
  ] as const
) {
  Deno.test(`the program of an exec whose resident was killed is known: it ${what}`, async () => {
    const file = fromFileUrl(new URL("../fixtures/left_exec.ts", import.meta.url));
    const [program, ...words] = FROM_SOURCES;
    const { stdout, stderr } = await new Deno.Command(program, {
      args: [...words, "--no-check", file, what],
    }).output();
    const decoder = new TextDecoder();
    assertEquals(decoder.decode(stdout) + decoder.decode(stderr), `${said}, no child left\n`);
  });
}
