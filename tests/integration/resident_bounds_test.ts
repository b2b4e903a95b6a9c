import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { listenForPackets } from "../../ffi/sockets/packet_socket.ts";
import { makeBundle, scratchFolder } from "../fixtures/bundle.ts";
import { CgroupDecoy } from "../fixtures/cgroup_decoy.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { ClientHull, TestResident } from "../fixtures/resident.ts";
import { inTime, until } from "../fixtures/until.ts";

/** Without a resident a client of these ends with this code: it becomes a program that does. */
const NOBODY = "/bin/false";
const ID = "hull-bounds";

/** How many fds the resident has open. */
function fdsOf({ pid }: TestResident): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}

/** Waits for the first words of a program. */
async function heard({ stdout }: Deno.ChildProcess): Promise<void> {
  const reader = stdout.getReader();
  await reader.read();
  await reader.cancel();
}

/** A fifo that nobody else has open. */
function makeFifo(path: string): void {
  const { success } = new Deno.Command("mkfifo", { args: [path] }).outputSync();
  assert(success);
}

/** Lets who opened a fifo go on, with nothing to read. */
function release(path: string): false {
  Deno.openSync(path, { read: true, write: true }).close();
  return false;
}

Deno.test("a resident that stands still keeps nobody waiting, and does nothing afterwards", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start();
    using bundle = makeBundle("sleep 60");
    await using hull = new ClientHull(resident);
    Deno.kill(resident.pid, "SIGSTOP");
    try {
      await hull.detach("run", "-d", "-b", bundle.folder, ID);
      assertEquals(await hull.must("list", "-q"), `${ID}\n`);
    } finally {
      Deno.kill(resident.pid, "SIGCONT");
    }
    assertEquals((await resident.status())?.served, 0);
    assertEquals(await hull.must("exec", ID, "echo", "served"), "served\n");
    assertEquals((await resident.status())?.served, 1);
  });
});

Deno.test("where nobody accepts any more connections a client does its command itself", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start("/bin/echo");
    await resident.ask("stop");
    await resident.ended();
    const full = `
import socket,sys
s=socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.bind(sys.argv[1]); s.listen(0)
waiting=[]
try:
  while True:
    c=socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); c.setblocking(False); waiting.append(c); c.connect(sys.argv[1])
except BlockingIOError: print("full", flush=True)
sys.stdin.read()`;
    const listener = new Deno.Command("python3", {
      args: ["-c", full, resident.socket],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const client = new Deno.Command(resident.client, { args: ["list"], stdin: "null" });
    try {
      await heard(listener);
      const { code, stdout } = await inTime("a client that can't connect", client.output());
      assertEquals([code, new TextDecoder().decode(stdout)], [0, "list\n"]);
    } finally {
      await listener.stdin.close();
      await listener.status;
    }
  });
});

Deno.test("a command for which the resident waits long is done once, also by a client that was stopped", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start(NOBODY);
    using bundle = makeBundle("sleep 60");
    await using hull = new ClientHull(resident);
    await hull.detach("create", "-b", bundle.folder, ID);
    const holder = new Deno.Command("flock", {
      args: [`${hull.root}/${ID}`, "sh", "-c", "echo held; read line"],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    await heard(holder);
    const start = hull.command(["start", ID], { stdin: "null", stdout: "null" }).spawn();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    start.kill("SIGSTOP");
    start.kill("SIGCONT");
    // longer than a client waits for a resident that does not begin
    await new Promise((resolve) => setTimeout(resolve, 2500));
    await holder.stdin.close();
    await holder.status;
    assertEquals((await start.status).code, 0);
    assertStringIncludes(await hull.must("state", ID), '"status": "running"');
  });
});

Deno.test("one that ends what it has begun makes room for the next at once", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start(NOBODY);
    using bundle = makeBundle("echo runs; read line; exit 8");
    await using hull = new ClientHull(resident);
    const run = hull.command(["run", "-b", bundle.folder, ID], { stdin: "piped", stdout: "piped" })
      .spawn();
    await heard(run);
    const first = resident.ended();
    assertEquals((await resident.ask("stop")).code, 0);
    await resident.begin(); // it listens at the same place
    assertEquals(await hull.must("list", "-q"), `${ID}\n`);
    assertEquals((await resident.status())?.served, 1);
    await run.stdin.close();
    assertEquals([(await run.status).code, (await first)?.code], [8, 0]);
  });
});

Deno.test("a fifo in a file's place keeps its own command waiting, and no other", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start();
    using bundle = makeBundle("sleep 60");
    using scratch = scratchFolder();
    await using hull = new ClientHull(resident);
    await hull.detach("run", "-d", "-b", bundle.folder, ID);
    const fifo = `${scratch.path}/config.json`;
    makeFifo(fifo);
    const calls = [
      ["create", "-b", scratch.path, `${ID}-2`],
      ["exec", "--process", fifo, ID],
      ["update", "--resources", fifo, ID],
      ["--log", fifo, "state", ID],
    ];
    for (const words of calls) {
      const waiting = hull.command(words, { stdin: "null", stdout: "null", stderr: "null" })
        .spawn();
      let hasEnded = false;
      const ended = waiting.status.then(() => hasEnded = true);
      try {
        const others = hull.call(["state", ID]);
        assertEquals((await inTime(words.join(" "), others)).code, 0);
      } finally {
        await until(() => hasEnded || release(fifo), 20);
        await ended;
      }
    }
    const { served = 0 } = await resident.status() ?? {};
    assert(served >= calls.length, `${served} were served`);
  });
});

Deno.test("who writes to a fifo in a file's place is read by the command that names it", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start();
    using bundle = makeBundle("echo done");
    using scratch = scratchFolder();
    await using hull = new ClientHull(resident);
    const fifo = `${scratch.path}/fifo`;
    makeFifo(fifo);
    const writer = new Deno.Command("sh", {
      args: ["-c", 'exec cat "$1/config.json" >"$2"', "-", bundle.folder, fifo],
      stdin: "null",
    }).spawn();
    const run = hull.call(["run", "-b", bundle.folder, "--config", fifo, ID]);
    const free = () => release(fifo);
    assertEquals(await inTime("run", run, 20_000, free), { code: 0, stdout: "done\n", stderr: "" });
    assertEquals((await writer.status).code, 0);
  });
});

Deno.test("nothing is left of a further process for who adopts orphans", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start(NOBODY);
    using bundle = makeBundle("sleep 60");
    await using hull = new ClientHull(resident);
    await hull.detach("run", "-d", "-b", bundle.folder, ID);
    const adopter = `
import ctypes,os,subprocess,sys
ctypes.CDLL(None).prctl(36,1) # PR_SET_CHILD_SUBREAPER
print(subprocess.call(sys.argv[1:]), open("/proc/self/task/%d/children" % os.getpid()).read())`;
    const { stdout } = await new Deno.Command("python3", {
      args: ["-c", adopter, resident.client, "--root", hull.root, "exec", ID, "sh", "-c", "exit 3"],
      stdin: "null",
    }).output();
    assertEquals(new TextDecoder().decode(stdout), "3 \n");
  });
});

Deno.test("a cgroup's path without a slash begins at the caller's cgroup", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start(NOBODY);
    await using decoy = await CgroupDecoy.enter(CgroupDecoy.places(), `${ID}-caller`);
    const files = decoy.folders.map((folder) => `${folder}/cgroup.procs`).join(" ");
    const enter = ["sh", "-c", `for f in ${files}; do echo $$ >$f; done; exec "$@"`, "sh"];
    for (const cgroupsPath of [`${ID}-inner`, undefined]) {
      using bundle = makeBundle("sleep 60", (config) => {
        if (cgroupsPath === undefined) delete config.linux.cgroupsPath;
        else config.linux.cgroupsPath = cgroupsPath;
      });
      const paths = [];
      for (const client of [resident.launcher, resident.client]) {
        await using hull = new ClientHull({ client }, ...enter);
        await hull.detach("run", "-d", "-b", bundle.folder, ID);
        const { pid } = JSON.parse(await hull.must("state", ID)) as { pid: number };
        paths.push(Deno.readTextFileSync(`/proc/${pid}/cgroup`));
        await hull.must("delete", "--force", ID);
      }
      assertEquals(paths[1], paths[0]);
    }
    assert(((await resident.status())?.served ?? 0) >= 6);
  });
});

Deno.test("a mount of cgroups shows the caller's own, also to a container without any", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start(NOBODY);
    await using decoy = await CgroupDecoy.enter(CgroupDecoy.places(), `${ID}-caller`);
    const files = decoy.folders.map((folder) => `${folder}/cgroup.procs`).join(" ");
    const enter = ["sh", "-c", `for f in ${files}; do echo $$ >$f; done; exec "$@"`, "sh"];
    using bundle = makeBundle(
      "grep ' - cgroup' /proc/1/mountinfo | cut -d ' ' -f 4,5",
      (config) => {
        config.linux.namespaces = config.linux.namespaces?.filter(({ type }) =>
          type !== "cgroup"
        ) ?? [];
        delete config.linux.resources;
      },
    );
    const said = [];
    for (const client of [resident.launcher, resident.client]) {
      await using hull = new ClientHull({ client }, ...enter);
      said.push(await hull.must("--cgroup-manager", "disabled", "run", "-b", bundle.folder, ID));
    }
    assertEquals(said[1], said[0]);
    const isV1 = CgroupDecoy.places().length > 1; // on v2 the mount's root is not the own cgroup
    if (isV1) assertStringIncludes(said[1] ?? "", `/${ID}-caller `);
    assertEquals((await resident.status())?.served, 1);
  });
});

Deno.test("output that can't be written fails a command, as without a resident", async () => {
  await using resident = await TestResident.start(NOBODY);
  for (const words of [["list"], ["features"], ["--version"]]) {
    const ended = [];
    for (const client of [resident.launcher, resident.client]) {
      await using hull = new ClientHull({ client }, "sh", "-c", 'exec "$@" >/dev/full', "sh");
      ended.push(await hull.call(words));
    }
    assertEquals(ended[1], ended[0], words.join(" "));
    assertEquals(ended[1]?.code, 1);
    assertEquals(ended[1]?.stderr, "hull: cannot write to stdout: No space left on device\n");
  }
  assertEquals((await resident.status())?.served, 3);
});

Deno.test("a command fails with its own code where stderr can't be written, as without a resident", async () => {
  await using resident = await TestResident.start(NOBODY);
  for (const words of [["exec", ID, "true"], ["--debug", "list"], ["state", ID]]) {
    const ended = [];
    for (const client of [resident.launcher, resident.client]) {
      await using hull = new ClientHull({ client }, "sh", "-c", 'exec "$@" 2</dev/null', "sh");
      ended.push(await hull.call(words));
    }
    assertEquals(ended[1], ended[0], words.join(" "));
  }
  assertEquals((await resident.status())?.served, 3);
});

Deno.test("what hull says before a program runs stands before what that says", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start(NOBODY);
    using bundle = makeBundle("sleep 60");
    await using hull = new ClientHull(resident);
    await hull.detach("run", "-d", "-b", bundle.folder, ID);
    for (let k = 0; k < 5; k++) {
      const { stderr } = await hull.call(["--debug", "exec", ID, "sh", "-c", "echo said >&2"]);
      assert(/^hull: debug: exec .*\nsaid\n$/.test(stderr), stderr);
    }
  });
});

Deno.test("forty programs that are waited for keep no command waiting, and leave no fds", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start(NOBODY);
    using bundle = makeBundle("sleep 60");
    using scratch = scratchFolder();
    await using hull = new ClientHull(resident);
    await hull.detach("run", "-d", "-b", bundle.folder, ID);
    for (let k = 0; k < 3; k++) await hull.must("exec", ID, "cat"); // the plan of one is kept
    const before = fdsOf(resident);
    const log = ["--log", `${scratch.path}/log`];
    const execs = Array.from(
      { length: 40 },
      () => hull.command([...log, "exec", ID, "cat"], { stdin: "piped", stdout: "null" }).spawn(),
    );
    try {
      await until(async () => (await cats(hull)) === execs.length, 30);
      assertEquals(await inTime("list", hull.must("list", "-q")), `${ID}\n`);
    } finally {
      for (const { stdin } of execs) await stdin.close();
    }
    for (const { status } of execs) assertEquals((await status).code, 0);
    await until(() => fdsOf(resident) <= before);
  });
});

/** How many of them run. */
async function cats(hull: ClientHull): Promise<number> {
  const { stdout } = await inTime("ps", hull.call(["ps", ID]));
  return stdout.split("\n").filter((line) => / cat$/.test(line)).length;
}

Deno.test("of what is left to its caller a resident keeps no fd", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start();
    using bundle = makeBundle("sleep 60");
    await using hull = new ClientHull(resident);
    const callAll = async () => {
      await hull.detach("create", "-b", bundle.folder, ID);
      await hull.must("start", ID);
      await hull.must("delete", "--force", ID);
      await hull.detach("run", "-d", "-b", bundle.folder, ID);
      await hull.detach("exec", "-d", ID, "sleep", "60");
      await hull.must("delete", "--force", ID);
      await hull.detach("run", "-d", "--supervise", "-b", bundle.folder, ID);
      await hull.must("delete", "--force", ID);
    };
    await callAll();
    const before = fdsOf(resident);
    for (let k = 0; k < 3; k++) await callAll();
    await until(() => fdsOf(resident) <= before);
  });
});

Deno.test("a resident that can open no more files leaves the command to its caller", async () => {
  await using resident = await TestResident.start();
  await using hull = new ClientHull(resident);
  using bundle = makeBundle("trap 'exit 0' TERM; while :; do sleep 0.1; done");
  const limit = (nofile: string) =>
    assertEquals(
      new Deno.Command("prlimit", { args: ["--pid", `${resident.pid}`, `--nofile=${nofile}`] })
        .outputSync().code,
      0,
    );
  const rounds = async (what: string) => {
    assertEquals(await hull.must("exec", "first", "echo", "a"), "a\n", what);
    await hull.detach("run", "-d", "-b", bundle.folder, "second");
    assertEquals((await hull.must("list", "-q")).trim().split("\n"), ["first", "second"]);
    await hull.must("delete", "--force", "second");
  };
  await hull.detach("run", "-d", "-b", bundle.folder, "first");
  for (let k = 0; k < 4; k++) await rounds("before"); // all is loaded, and kept that is kept
  const before = fdsOf(resident);
  // From one that lets it accept no connection to one that lets it do all.
  for (let most = 20; most < 70; most += 7) {
    limit(`${most}:4096`);
    await rounds(`${most} files`);
  }
  limit("1024:4096");
  await rounds("after");
  await until(() => fdsOf(resident) <= before, 5);
  await hull.must("delete", "--force", "first");
});

Deno.test("a command that only waits ends with its client", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start(NOBODY);
    using bundle = makeBundle("sleep 60");
    await using hull = new ClientHull(resident);
    await hull.detach("run", "--supervise", "-d", "-b", bundle.folder, ID);
    const before = fdsOf(resident);
    for (const words of [["wait", ID], ["events", ID]]) {
      const waiting = hull.command(words, { stdin: "null", stdout: "null" }).spawn();
      await until(() => fdsOf(resident) > before + 4);
      waiting.kill("SIGKILL");
      await waiting.status;
      await until(() => fdsOf(resident) <= before);
    }
    assertEquals((await resident.ask("stop")).code, 0);
    assertEquals((await inTime("the resident", resident.ended()))?.code, 0);
    await resident.begin();
  });
});

Deno.test("the program of a client that was killed goes on, and keeps no resident from its end", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start(NOBODY);
    using bundle = makeBundle("echo runs; sleep 60");
    using scratch = scratchFolder();
    const log = `${scratch.path}/log`;
    await using hull = new ClientHull(resident);
    await hull.detach("run", "-d", "-b", bundle.folder, ID);
    const before = fdsOf(resident);
    const calls = [["exec", ID, "sh", "-c", "echo runs; sleep 61"], [
      "run",
      "-b",
      bundle.folder,
      `${ID}-2`,
    ]];
    for (const words of calls) {
      const followed = hull.command(["--log", log, ...words], { stdin: "null", stdout: "piped" })
        .spawn();
      await heard(followed);
      followed.kill("SIGKILL");
      await followed.status;
      await until(() => fdsOf(resident) <= before);
    }
    assertEquals(Deno.readTextFileSync(log), "");
    assertEquals((await resident.ask("stop")).code, 0);
    assertEquals((await inTime("the resident", resident.ended()))?.code, 0);
    await resident.begin();
    assertStringIncludes(await hull.must("state", `${ID}-2`), '"running"');
    assertStringIncludes(await hull.must("ps", ID), "sleep 61");
    await hull.must("delete", "--force", `${ID}-2`);
  });
});

Deno.test("the exit code of a caller that ignores its children's ends is told", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start(NOBODY);
    using bundle = makeBundle("sleep 60");
    await using hull = new ClientHull(resident, "bash", "-c", "trap '' CHLD HUP; exec \"$@\"", "-");
    await hull.detach("run", "-d", "-b", bundle.folder, ID);
    const status = await hull.must("exec", ID, "grep", "SigIgn", "/proc/1/status");
    const [CHLD, HUP] = [1n << 16n, 1n]; // of the first process; its shell ignores QUIT
    assertEquals(BigInt(`0x${status.trim().slice(-16)}`) & (CHLD | HUP), 0n, status);
    assertEquals((await hull.call(["exec", ID, "sh", "-c", "exit 7"])).code, 7);
  });
});

Deno.test("a caller's lower limit of processes bounds what it starts", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start(NOBODY);
    using bundle = makeBundle("sleep 60", (config) => {
      config.process.rlimits = [{ type: "RLIMIT_NPROC", soft: 500, hard: 500 }];
    });
    await using hull = new ClientHull(resident, "prlimit", "--nproc=1000:1000");
    await hull.detach("run", "-d", "-b", bundle.folder, ID);
    const limits = await hull.must("exec", ID, "sh", "-c", "grep processes /proc/self/limits");
    assertEquals(limits.split(/ +/).slice(2, 4), ["500", "500"]);
  });
});

Deno.test("a config with paths of the caller's own process is used by that process", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start();
    using bundle = makeBundle("cat /data/config.json", (config) => {
      config.mounts.push({
        destination: "/data",
        type: "bind",
        source: "/dev/../proc/self/cwd",
        options: ["rbind", "ro"],
      });
    });
    await using hull = new ClientHull(resident);
    const { code, stdout } = await hull.call(["run", ID], { cwd: bundle.folder });
    assertEquals([code, JSON.parse(stdout)], [0, bundle.config]);
    assertEquals((await resident.status())?.served, 1); // begun, and left to it
  });
});

Deno.test("a socket at which another program listens, as systemd does, is left alone", async () => {
  using scratch = scratchFolder();
  await using hull = new Hull();
  const path = `${scratch.path}/hull.sock`;
  {
    using _listens = listenForPackets(path);
    const said = await hull.refuse("resident", "--socket", path);
    assertStringIncludes(said, `another program listens at ${path}`);
    assert(Deno.lstatSync(path).isSocket);
  }
  // what nobody listens at is a killed one's
  await using child = hull.command(["resident", "--socket", path], { stdin: "null" }).spawn();
  await until(() => Deno.readTextFileSync("/proc/net/unix").includes(path), 20);
  child.kill("SIGTERM");
  assertEquals((await child.status).code, 0);
});

Deno.test("a socket in a folder that others can write to is refused", async () => {
  using scratch = scratchFolder();
  Deno.chmodSync(scratch.path, 0o777);
  await using hull = new Hull();
  const socket = ["--socket", `${scratch.path}/hull.sock`];
  assertStringIncludes(await hull.refuse("resident", ...socket), "folder of the socket");
  assertEquals([...Deno.readDirSync(scratch.path)], []);
});
