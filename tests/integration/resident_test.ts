import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { isThere } from "../../ffi/files/file_status.ts";
import { makeBundle, run, scratchFolder } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { ClientHull, TestResident } from "../fixtures/resident.ts";
import { inTime, SLOWNESS, until } from "../fixtures/until.ts";

/** Without a resident a client of these ends with this code: it becomes a program that does. */
const NOBODY = "/bin/false";
const ID = "hull-resident";

/** What differs from call to call. */
function fixed(text: string, root: string): string {
  return text.replaceAll(root, "ROOT")
    .replaceAll(/"pid": \d+/g, '"pid": N')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME");
}

Deno.test("a command done by a resident says, prints and ends as one of its own", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start(NOBODY);
    using bundle = makeBundle("sleep 60");
    using short = makeBundle("echo out; echo err >&2; cat; exit 7");
    const calls: readonly (readonly [words: readonly string[], stdin?: string])[] = [
      [["run", "-b", short.folder, `${ID}-1`], "in\n"],
      [["create", "-b", bundle.folder, ID]],
      [["state", ID]],
      [["start", ID]],
      [["start", ID]],
      [["list", "-q"]],
      [["exec", ID, "sh", "-c", "id; hostname; echo $A; exit 3"]],
      [["exec", "-e", "A", ID, "sh", "-c", "echo $A; umask; ulimit -n"]],
      [["exec", ID, "sh", "-c", "kill -9 $$"]],
      [["exec", ID, "nothing-of-that-name"]],
      [["exec", ID, "cat"], "through\n"],
      [["pause", ID]],
      [["resume", ID]],
      [["update", "--pids-limit", "77", ID]],
      [["kill", ID, "NOTHING"]],
      [["kill", ID, "KILL"]],
      [["delete", "--force", ID]],
      [["delete", ID]],
      [["delete", "--force", ID]],
      [["start"]],
      [["nonsense"]],
      [["run", "-b", "/nowhere", ID]],
      [["--version"]],
      [["run", "--help"]],
    ];
    const sayings = async (hull: Hull) => {
      const said = [];
      for (const [words, stdin] of calls) {
        // what is created keeps the streams of its creator
        const options = { stdin: stdin ?? "", env: { A: "of the caller" } };
        const isKept = words[0] === "create";
        const ended = isKept ? { code: 0 } : await hull.call(words, options);
        if (isKept) await hull.detach(...words);
        else if (words[0] === "kill") {
          await until(async () =>
            (await hull.call(["exec", ID, "true"])).code !== 0 || words[2] === "NOTHING"
          );
        }
        const told = Object.entries(ended).map(([name, value]) =>
          `${name}: ${fixed(String(value), hull.root)}`
        );
        said.push([...words, ...told].join("\n"));
      }
      return said;
    };
    await using own = new Hull();
    await using client = new ClientHull(resident);
    const [theirs, ours] = [await sayings(own), await sayings(client)];
    assertEquals(ours, theirs);
    const { served = 0 } = await resident.status() ?? {};
    assert(served >= calls.length - 1, `${served} commands were done by the resident`);
  });
});

Deno.test("what a resident has started has the limits of the caller, and is its child", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start(NOBODY);
    using bundle = makeBundle("sleep 60", (config) => config.process.rlimits = []);
    await using hull = new ClientHull(resident, "prlimit", "--nofile=311:322", "nice", "-n", "5");
    await hull.detach("run", "-d", "-b", bundle.folder, ID);
    const look = "ulimit -n; ulimit -Hn; cut -d ' ' -f 19 /proc/self/stat";
    assertEquals(await hull.must("exec", ID, "sh", "-c", look), "311\n322\n5\n");
    const script =
      `"$@" </dev/null >/dev/null 2>&1 & wait $!; for p in $(cat /proc/$$/task/$$/children); do cat /proc/$p/comm; done`;
    const words = [resident.client, "--root", hull.root, "exec", "-d", ID, "sleep", "61"];
    const subreaper =
      "import ctypes,os,sys; ctypes.CDLL(None).prctl(36,1); os.execvp(sys.argv[1],sys.argv[1:])";
    const { stdout } = await new Deno.Command("python3", {
      args: ["-c", subreaper, "sh", "-c", script, "sh", ...words],
      stdin: "null",
    }).output();
    assertEquals(new TextDecoder().decode(stdout), "sleep\n");
  });
});

Deno.test("a caller is served whose groups are the same, its own one among them or not", async () => {
  await using resident = await TestResident.start(NOBODY);
  for (const groups of ["--clear-groups", "--groups=0", "--groups=0,0"]) {
    await using hull = new ClientHull(resident, "setpriv", groups);
    assertEquals(await hull.must("list", "-q"), "", groups);
  }
});

// A resident reads in a client's memory who it is, so it may answer before the client has said that.
Deno.test("who is kept from its hello gets its answer, and is not left for a broken connection", async () => {
  await using resident = await TestResident.start(NOBODY);
  await using hull = new Hull();
  const slow = ["strace", "-qq", "-o", "/dev/null", "-e", "trace=sendto"];
  for (const delay of ["100000", "500000"]) {
    const words = [...slow, "-e", `inject=sendto:delay_enter=${delay}`, resident.client];
    const said = run("env", ...words, "--root", hull.root, "list", "-q");
    assertEquals(said, "", delay);
  }
  const { served = 0 } = await resident.status() ?? {};
  assertEquals(served, 2);
});

Deno.test("hooks in the container's namespaces do not keep it from ending", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start(NOBODY);
    using bundle = makeBundle("exit 3", (config) => {
      const args = ["sh", "-c", "exit 0"];
      const hooks = [{ path: "/bin/sh", args }, { path: "/bin/sh", args }];
      config.hooks = { createRuntime: hooks, createContainer: hooks };
    });
    await using hull = new ClientHull(resident);
    const run = hull.call(["run", "-b", bundle.folder, ID]);
    assertEquals(await inTime("the run", run), { code: 3, stdout: "", stderr: "" });
  });
});

Deno.test("a resident that is killed while a hook runs leaves no hook, and no half of a container", async () => {
  for (const point of ["createRuntime", "createContainer", "poststart"] as const) {
    await leavesNothing(ID, async () => {
      await using resident = await TestResident.start();
      using scratch = scratchFolder();
      const begun = `${scratch.path}/begun`;
      using bundle = makeBundle("exit 3", (config) => {
        const args = ["sh", "-c", `echo >${begun}; sleep 2`];
        config.hooks = { [point]: [{ path: "/bin/sh", args }] };
      });
      await using hull = new ClientHull(resident);
      const run = hull.call(["run", "-b", bundle.folder, ID]);
      await until(() => isThere(begun), 10);
      await resident.kill();
      const { code } = await inTime(`the run with ${point}`, run);
      assertEquals(code, 3, point);
      assertEquals(await hull.must("list", "-q"), "");
    });
  }
});

Deno.test("a hook around the start that fails, or runs too long, is known when the resident is killed", async () => {
  for (const point of ["startContainer", "poststart"]) await hookIsKnown(point);
});

async function hookIsKnown(point: string): Promise<void> {
  for (const [how, said] of [["sleep 1; exit 4", "exit code 4"], ["sleep 60", "timeout of 1 s"]]) {
    for (const words of [["run", "-b"], ["start"]]) {
      await leavesNothing(ID, async () => {
        await using resident = await TestResident.start();
        using scratch = scratchFolder();
        const begun = `${scratch.path}/begun`;
        using bundle = makeBundle("sleep 60", (config) => {
          const args = ["sh", "-c", `echo >${begun}; ${how}`];
          const next = { path: "/bin/sh", args: ["sh", "-c", `echo more >${begun}`] };
          const [destination, source] = [scratch.path, scratch.path]; // for a hook inside
          config.mounts.push({ destination, source, type: "bind", options: ["bind"] });
          config.hooks = {
            [point]: [{ path: "/bin/sh", args, timeout: 1 + +(how !== "sleep 60") }, next],
          };
        });
        await using hull = new ClientHull(resident);
        if (words.length === 1) await hull.detach("create", "-b", bundle.folder, ID);
        const call = hull.call(words.length === 1 ? [...words, ID] : [...words, bundle.folder, ID]);
        await until(() => isThere(begun), 10);
        await resident.kill();
        const { code, stderr } = await inTime(words[0] ?? "", call);
        assertEquals(code, 1, stderr);
        assertStringIncludes(stderr, said ?? "");
        assertEquals(Deno.readTextFileSync(begun), "\n");
        assertEquals(await hull.must("list", "-q"), "");
      });
    }
  }
}

Deno.test("when the resident is killed while a hook runs, the hook is over before the command", async () => {
  const cases = [
    ["poststart", ["create", "-b"], ["start", ID]],
    ["poststop", ["run", "-d", "-b"], ["delete", "--force", ID]],
    ["poststop", [], ["run", "-b"]],
  ] as const;
  for (const [point, [first, ...flags], words] of cases) {
    await leavesNothing(ID, async () => {
      await using resident = await TestResident.start();
      using scratch = scratchFolder();
      const begun = `${scratch.path}/begun`;
      const over = `${scratch.path}/over`;
      using bundle = makeBundle(first === undefined ? "exit 0" : "sleep 60", (config) => {
        const args = ["sh", "-c", `echo >${begun}; sleep 2; echo >>${over}`];
        config.hooks = { [point]: [{ path: "/bin/sh", args }] };
      });
      await using hull = new ClientHull(resident);
      if (first !== undefined) await hull.detach(first, ...flags, bundle.folder, ID);
      const call = hull.call(first === undefined ? [...words, bundle.folder, ID] : words);
      await until(() => isThere(begun), 10);
      await resident.kill();
      assertEquals(await inTime(words[0], call), { code: 0, stdout: "", stderr: "" });
      assertEquals(Deno.readTextFileSync(over), "\n", words[0]); // it ran once
      await hull.must("delete", "--force", ID);
    });
  }
});

Deno.test("signals go to the program of the client", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start(NOBODY);
    using bundle = makeBundle(
      "trap 'echo got it; exit 9' USR1; echo ready; while :; do sleep 0.1; done",
    );
    await using hull = new ClientHull(resident);
    const child = hull.command(["run", "-b", bundle.folder, ID], {
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let text = (await reader.read()).value ?? "";
    child.kill("SIGUSR1");
    for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
    assertEquals([text, (await child.status).code], ["ready\ngot it\n", 9]);
  });
});

Deno.test("the command of who differs from the resident is done by the client itself", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start();
    const others: readonly (readonly string[])[] = [
      ["unshare", "--uts"],
      ["unshare", "--mount"],
      ["unshare", "--net"],
      ["setpriv", "--bounding-set", "-mknod"],
      ["setpriv", "--no-new-privs"],
      ["setpriv", "--groups", "0,7"],
      ["sh", "-c", 'umask 077; exec "$@"', "sh"],
      ["sh", "-c", 'cd "$(mktemp -d)"; rmdir "$PWD"; exec "$@"', "sh"],
      ["sh", "-c", 'exec 0<&-; exec "$@"', "sh"],
      ["env", "LISTEN_FDS=1"],
    ];
    for (const before of others) {
      await using hull = new ClientHull(resident, ...before);
      const { code, stdout } = await hull.call(["list", "-q"]);
      assertEquals([code, stdout], [0, ""], before.join(" "));
    }
    assertEquals((await resident.status())?.served, 0);
  });
});

Deno.test("a client whose securebits differ finds that out by itself", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start(NOBODY);
    await using same = new ClientHull(resident, "setpriv");
    assertEquals((await same.call(["list", "-q"])).code, 0);
    await using hull = new ClientHull(resident, "setpriv", "--securebits", "+no_setuid_fixup");
    assertEquals((await hull.call(["list", "-q"])).code, 1);
  });
});

Deno.test("a client ends with the process of an exec, while the resident stands still", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start(NOBODY);
    using scratch = scratchFolder();
    using bundle = makeBundle("sleep 600");
    await using hull = new ClientHull(resident);
    await hull.detach("run", "-d", "-b", bundle.folder, ID);
    const child = hull.command(["exec", ID, "sh", "-c", "echo begun; read word; exit 7"], {
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    await reader.cancel();
    Deno.kill(resident.pid, "SIGSTOP");
    try {
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode("go\n"));
      await writer.close();
      assertEquals((await inTime("the exec", child.status)).code, 7);
    } finally {
      Deno.kill(resident.pid, "SIGCONT");
    }
    assertEquals((await hull.call(["exec", ID, "sh", "-c", "exit 1"])).code, 1);
    assertEquals((await hull.call(["exec", ID, "/none"])).code, 255);
    const file = `${scratch.path}/pid`;
    for (let k = 0; k < 10; k++) {
      assertEquals(await hull.must("exec", "--pid-file", file, ID, "true"), "");
      assert(/^\d+$/.test(Deno.readTextFileSync(file)));
      Deno.removeSync(file);
    }
  });
});

Deno.test("when the resident is killed, what it has begun goes on as if it had not been", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start();
    using bundle = makeBundle("sleep 60");
    using short = makeBundle("sleep 2; exit 6");
    await using hull = new ClientHull(resident);
    await hull.detach("run", "-d", "-b", bundle.folder, ID);
    const run = hull.call(["run", "-b", short.folder, `${ID}-run`]);
    const exec = hull.call(["exec", ID, "sh", "-c", "sleep 2; echo done; exit 5"]);
    await until(async () => (await hull.call(["ps", ID])).stdout.includes("echo done"));
    await until(async () => (await hull.call(["state", `${ID}-run`])).stdout.includes("running"));
    await resident.kill();
    assertEquals(await exec, { code: 5, stdout: "done\n", stderr: "" });
    assertEquals(await run, { code: 6, stdout: "", stderr: "" });
    assertEquals(await hull.must("list", "-q"), `${ID}\n`);
    await resident.begin();
    assertEquals(await hull.must("exec", ID, "echo", "served"), "served\n");
    assertEquals((await resident.status())?.served, 1);
  });
});

Deno.test("a resident that is killed at any moment loses no command and leaves nothing", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start();
    using bundle = makeBundle("exit 4");
    await using hull = new ClientHull(resident);
    for (let k = 0; k < 12; k++) {
      const runs = [1, 2, 3].map((n) => hull.call(["run", "-b", bundle.folder, `${ID}-${k}-${n}`]));
      await new Promise((resolve) => setTimeout(resolve, k * 6));
      await resident.kill();
      for (const run of runs) assertEquals(await run, { code: 4, stdout: "", stderr: "" }, `${k}`);
      await resident.begin();
    }
    assertEquals(await hull.must("list", "-q"), "");
  });
});

Deno.test("a client that is killed leaves no half of a container, and the resident goes on", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start();
    using bundle = makeBundle("sleep 60");
    await using hull = new ClientHull(resident);
    for (let k = 0; k < 16; k++) {
      const child = hull.command(["run", "-d", "-b", bundle.folder, `${ID}-${k}`], {
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).spawn();
      await new Promise((resolve) => setTimeout(resolve, k * 2));
      try {
        child.kill("SIGKILL");
      } catch {
        // it has ended
      }
      await child.status;
    }
    await until(async () => {
      const ids = (await hull.must("list", "-q")).split("\n").filter((id) => id !== "");
      for (const id of ids) await hull.call(["delete", "--force", id]);
      return ids.length === 0;
    });
    assertNotEquals(await resident.status(), undefined);
  });
});

Deno.test("fifty commands at once are done, and leave the resident as it was", async () => {
  await leavesNothing(ID, async () => {
    await using resident = await TestResident.start(NOBODY);
    using bundle = makeBundle("sleep 60");
    await using hull = new ClientHull(resident);
    await hull.detach("run", "-d", "-b", bundle.folder, ID);
    await hull.must("exec", ID, "true");
    const fds = () => [...Deno.readDirSync(`/proc/${resident.pid}/fd`)].length;
    const before = fds();
    const said = await Promise.all(
      Array.from(
        { length: 50 },
        (_, k) => hull.call(["exec", ID, "sh", "-c", `echo ${k}; exit ${k}`]),
      ),
    );
    said.forEach((ended, k) => assertEquals(ended, { code: k, stdout: `${k}\n`, stderr: "" }));
    await until(() => fds() <= before);
  });
});

Deno.test("status, stop, idle, one at a time, and a client of another build", async () => {
  await using resident = await TestResident.start();
  const { pid = 0, build = "", memory = 0 } = await resident.status() ?? {};
  assertEquals([pid, memory > 0], [resident.pid, true]);
  assertEquals((await resident.ask("stop")).code, 0);
  assertEquals((await resident.ended())?.code, 0);
  assertEquals((await resident.ask("status")).code, 1);
  // On a slow host a question of it takes seconds.
  await resident.begin("--idle", SLOWNESS === 1 ? "300ms" : "20s");
  assertEquals((await resident.ended())?.code, 0);
  await resident.begin();
  const client = Deno.readFileSync(resident.client);
  const other = new TextEncoder().encode(build);
  const at = new TextDecoder("latin1").decode(client).indexOf(build);
  assert(at > 0);
  client.set(other.map((letter) => letter ^ 1), at);
  Deno.writeFileSync(resident.client, client);
  await using hull = new ClientHull(resident);
  assertEquals(await hull.must("list", "-q"), "");
  assertEquals((await resident.ended())?.code, 0); // its time is over
});
