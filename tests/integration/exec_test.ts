import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ContainerError, Factory, Process } from "../../mod.ts";
import { makeBundle, run, scratchFolder } from "../fixtures/bundle.ts";
import { DRIVER } from "../fixtures/cgroup_driver.ts";
import { HULL, Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { countFds } from "../fixtures/open_fds.ts";
import { LIMITS, ROOT, testWhere } from "../fixtures/test_where.ts";
import { until } from "../fixtures/until.ts";

/** What a process sees of itself. */
const LOOK = "id; hostname; pwd; umask; grep -E '^(Cap|NoNewPrivs|Seccomp)' /proc/self/status; " +
  "for n in cgroup ipc mnt net pid time user uts; do readlink /proc/self/ns/$n | sed 's/[0-9]*]//'; done; " +
  "ulimit -n; cat /proc/self/oom_score_adj; env | sort | grep -v -E '^(SHLVL|_)='; ls /proc/self/fd | wc -l";

testWhere(ROOT, "exec shows the same as runc exec", async () => {
  await leavesNothing("hull-exec-same", async () => {
    await using hull = new Hull();
    using bundle = makeBundle("sleep 600", (config) => {
      config.process.rlimits = [{ type: "RLIMIT_NOFILE", soft: 512, hard: 512 }];
    });
    const calls: readonly (readonly string[])[] = [
      [],
      ["--cwd", "/tmp", "-e", "A=1", "-e", "B=two words"],
      ["-u", "1000:1000", "-g", "4"],
      ["-u", "1000"],
      ["--cap", "CAP_NET_ADMIN", "--no-new-privs"],
      ["-u", "1000:1000", "--cap", "CAP_NET_ADMIN"],
    ];
    run("sh", "-c", `cd ${bundle.folder} && runc run -d hull-exec-runc </dev/null >/dev/null 2>&1`);
    await hull.detach("run", "-d", "-b", bundle.folder, "hull-exec-same");
    try {
      for (const flags of calls) {
        const theirs = new Deno.Command("runc", {
          args: ["exec", ...flags, "hull-exec-runc", "sh", "-c", LOOK],
          stdin: "null",
        }).outputSync();
        const ours = await hull.call(["exec", ...flags, "hull-exec-same", "sh", "-c", LOOK]);
        // runc 1.3 gives a group twice
        const text = new TextDecoder().decode(theirs.stdout).replaceAll(/(\d+\(\w+\)),\1/g, "$1");
        assertEquals(ours.stdout, text, flags.join(" "));
        assertEquals([ours.code, ours.stderr], [theirs.code, ""]);
      }
    } finally {
      run("runc", "delete", "--force", "hull-exec-runc");
    }
  });
});

Deno.test("exec: exit codes, streams, signals, and what can't be run", async () => {
  await leavesNothing("hull-exec-codes", async () => {
    await using hull = new Hull();
    using bundle = makeBundle("sleep 600");
    await hull.detach("run", "-d", "-b", bundle.folder, "hull-exec-codes");
    const exec = (...words: string[]) => hull.call(["exec", "hull-exec-codes", ...words]);
    assertEquals((await exec("sh", "-c", "exit 7")).code, 7);
    assertEquals((await exec("sh", "-c", "kill -9 $$")).code, 137);
    assertEquals((await exec("--", "echo", "a", "--", "-b")).stdout, "a -- -b\n");
    const both = await hull.call(
      ["exec", "hull-exec-codes", "sh", "-c", "cat; echo err >&2"],
      { stdin: "in\n" },
    );
    assertEquals([both.stdout, both.stderr], ["in\n", "err\n"]);
    const missing = await exec("none-such");
    assertEquals(missing.code, 255);
    assertMatch(missing.stderr, /^hull: exec: "none-such": executable file not found in \$PATH/);
    const folder = await hull.call(["exec", "--cwd", "/none", "hull-exec-codes", "true"]);
    assertEquals(folder.code, 255);
    assertStringIncludes(folder.stderr, "enter /none");
    const nobody = await hull.call(["exec", "-u", "nobody-such", "hull-exec-codes", "true"]);
    assertEquals(nobody.code, 255);
    const gone = await hull.call(["exec", "hull-exec-none", "true"]);
    assertEquals(gone.code, 255);
    assertStringIncludes(gone.stderr, "does not exist");
    await hull.must("kill", "hull-exec-codes", "KILL");
    await until(async () => await hull.status("hull-exec-codes") === "stopped");
    const late = await exec("true");
    assertEquals(late.code, 255);
    assertStringIncludes(late.stderr, "container hull-exec-codes is stopped");
  });
});

Deno.test("exec --process runs what a file says; --detach and --pid-file", async () => {
  await leavesNothing("hull-exec-file", async () => {
    await using hull = new Hull();
    using scratch = scratchFolder();
    using bundle = makeBundle("sleep 600");
    await hull.detach("run", "-d", "-b", bundle.folder, "hull-exec-file");
    const file = `${scratch.path}/process.json`;
    const process = {
      args: ["sh", "-c", "id -u; pwd; echo $X; umask"],
      cwd: "/tmp",
      env: ["PATH=/bin", "X=1"],
      user: { uid: 12, gid: 13, umask: 0o77 },
    };
    Deno.writeTextFileSync(file, JSON.stringify(process));
    assertEquals(await hull.must("exec", "-p", file, "hull-exec-file"), "12\n/tmp\n1\n0077\n");
    const pidFile = `${scratch.path}/pid`;
    await hull.detach("exec", "-d", "--pid-file", pidFile, "hull-exec-file", "sleep", "500");
    const pid = Number(Deno.readTextFileSync(pidFile));
    assertStringIncludes(Deno.readTextFileSync(`/proc/${pid}/cmdline`), "sleep");
    Deno.writeTextFileSync(file, JSON.stringify({ ...process, cwd: "relative", args: [] }));
    const said = await hull.call(["exec", "-p", file, "hull-exec-file"]);
    assertEquals(said.code, 255);
    assertStringIncludes(said.stderr, "/cwd: must be an absolute path");
  });
});

Deno.test("a pid file that can't be written ends what was started: run, create, exec, exec -d", async () => {
  await leavesNothing("hull-exec-nofile", async () => {
    await using hull = new Hull();
    using bundle = makeBundle("sleep 600");
    const id = "hull-exec-nofile";
    const flags = ["--pid-file", "/no/such/folder/pid"];
    for (const command of [["run"], ["run", "-d"], ["create"]]) {
      const line = await hull.refuse(...command, ...flags, "-b", bundle.folder, id);
      assertStringIncludes(line, "cannot write the pid file /no/such/folder/pid");
      assertEquals(await hull.must("list", "-q"), "");
    }
    await hull.detach("run", "-d", "-b", bundle.folder, id);
    for (const detach of [[], ["-d"]]) {
      const { code, stderr } = await hull.call(["exec", ...detach, ...flags, id, "sleep", "600"]);
      assertEquals(code, 255);
      assertStringIncludes(stderr, "cannot write the pid file /no/such/folder/pid");
      assertEquals(JSON.parse(await hull.must("ps", "-f", "json", id)).length, 1);
    }
  });
});

Deno.test("exec --tty: a terminal of the container's devpts, with the user's owner", async () => {
  await leavesNothing("hull-exec-tty", async () => {
    await using hull = new Hull();
    using bundle = makeBundle("sleep 600");
    await hull.detach("run", "-d", "-b", bundle.folder, "hull-exec-tty");
    const script = "tty; stat -c %u /dev/pts/0; test -t 0 && test -t 2 && echo all";
    const call = ["exec", "-t", "-u", "1000", "hull-exec-tty", "sh", "-c", script];
    const piped = await hull.call(call);
    assertEquals(piped.stdout.replaceAll("\r", ""), "/dev/pts/0\n1000\nall\n");
    const words = [...HULL, "--root", hull.root, ...call.slice(0, -1), "'stty size'"].join(" ");
    const inside = run("script", "-qec", `stty rows 31 cols 101; ${words}`, "/dev/null");
    assertStringIncludes(inside, "31 101");
  });
});

testWhere(
  ROOT,
  "exec into a user namespace, with a filter, in a shared pid namespace, and paused",
  async () => {
    await leavesNothing("hull-exec-kinds", async () => {
      await using hull = new Hull();
      const ids = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
      using mapped = makeBundle("sleep 600", (config) => {
        config.linux.namespaces = [...config.linux.namespaces ?? [], { type: "user" }];
        config.linux.uidMappings = ids;
        config.linux.gidMappings = ids;
      });
      run("chown", "-R", "100000:100000", `${mapped.folder}/rootfs`);
      await hull.detach("run", "-d", "-b", mapped.folder, "hull-exec-kinds-u");
      const shown = await hull.must(
        ...["exec", "-u", "1000:1000", "hull-exec-kinds-u", "sh", "-c"],
        "id -u; tail -c 30 /proc/self/uid_map; touch /tmp/made 2>&1 || true",
      );
      assertMatch(shown, /^1000\n.*100000\s+65536\n/);
      const typed = await hull.call([
        "exec",
        "-t",
        "hull-exec-kinds-u",
        "stat",
        "-c",
        "%u",
        "/dev/pts/0",
      ]);
      assertEquals(typed.stdout.trim(), "0", typed.stderr);

      using filtered = makeBundle("sleep 600", (config) => {
        config.linux.namespaces = config.linux.namespaces?.filter(({ type }) => type !== "pid") ??
          [];
        config.linux.seccomp = {
          defaultAction: "SCMP_ACT_ALLOW",
          syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 38 }],
        };
      });
      await hull.detach("run", "-d", "-b", filtered.folder, "hull-exec-kinds-f");
      const denied = await hull.call(["exec", "hull-exec-kinds-f", "mkdir", "/tmp/x"]);
      assertStringIncludes(denied.stderr, "Function not implemented");
      const status = await hull.must(
        "exec",
        "hull-exec-kinds-f",
        "grep",
        "Seccomp:",
        "/proc/self/status",
      );
      assertEquals(status, "Seccomp:\t2\n");
    });
  },
);

testWhere(
  LIMITS,
  "a program joins processes: streams, exit codes, a hundred at once, a paused container",
  async () => {
    await leavesNothing("hull-exec-lib", async () => {
      using root = scratchFolder();
      using bundle = makeBundle("sleep 600");
      const factory = new Factory({ ...DRIVER, root: root.path });
      await using container = await factory.create("hull-exec-lib", bundle.config, {
        bundle: bundle.folder,
      });
      await container.run(new Process());
      const before = countFds();
      const codes = await Promise.all(Array.from({ length: 100 }, async (_, k) => {
        const process = new Process({
          args: ["sh", "-c", `cat; exit ${k}`],
          stdin: "piped",
          stdout: "piped",
        });
        await container.start(process);
        const writer = process.stdin.getWriter();
        await writer.write(new TextEncoder().encode(`number ${k}`));
        await writer.close();
        assertEquals(await new Response(process.stdout).text(), `number ${k}`);
        return (await process.wait()).code;
      }));
      assertEquals(codes, Array.from({ length: 100 }, (_, k) => k));
      assert(countFds() <= before + 3, "fds of ended processes stay open");
      await container.pause();
      try {
        await container.start(new Process({ args: ["true"] }));
        assert(false, "it joined a paused container");
      } catch (error) {
        assert(error instanceof ContainerError && error.code === "ContainerPaused");
      }
      await container.resume();
    });
  },
);
