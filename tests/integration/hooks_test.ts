/** Which hooks run when, where and as whom. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { makeBundle, run, scratchFolder } from "../fixtures/bundle.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { until } from "../fixtures/until.ts";
import {
  POINTS,
  recorded,
  recording,
  type SaidState,
  sharedLog,
  shell,
} from "../fixtures/hooks.ts";
import { ROOT, testWhere } from "../fixtures/test_where.ts";

Deno.test("all six hooks run in order, each with the state of its moment", async () => {
  await leavesNothing("hull-hooks-order", async () => {
    await using hull = new Hull();
    using log = sharedLog();
    using bundle = makeBundle(`echo 'program {}' >> ${"$LOG"}`, (config) => {
      log.mount(config);
      config.process.env = [...config.process.env ?? [], `LOG=${log.path}`];
      config.annotations = { "com.example.key": "value" };
      config.hooks = recording(log.path);
    });
    await hull.detach("create", "-b", bundle.folder, "hull-hooks-order");
    const { pid } = JSON.parse(await hull.must("state", "hull-hooks-order"));
    assertEquals(recorded(log.read()).map(([point]) => point), POINTS.slice(0, 3));
    await hull.must("start", "hull-hooks-order");
    await until(() => log.read().includes("program"));
    await until(async () => await hull.status("hull-hooks-order") === "stopped");
    await hull.must("delete", "hull-hooks-order");
    const all = recorded(log.read());
    const order = all.map(([point]) => point).filter((point) => point !== "program");
    assertEquals(order, [...POINTS]);
    const states = Object.fromEntries(all);
    for (const point of POINTS) {
      const { ociVersion, id, bundle: folder, annotations } = states[point] as SaidState;
      assertEquals([id, folder, annotations], [
        "hull-hooks-order",
        bundle.folder,
        { "com.example.key": "value" },
      ]);
      assertMatch(ociVersion, /^1\./);
    }
    const summary = POINTS.map((point) => [states[point]?.status, states[point]?.pid]);
    assertEquals(summary, [
      ["creating", pid],
      ["creating", pid],
      ["creating", 1],
      ["created", 1],
      ["running", pid],
      ["stopped", 0],
    ]);
  });
});

testWhere(ROOT, "the hooks leave the same traces as with runc", async () => {
  await using hull = new Hull();
  using log = sharedLog();
  using bundle = makeBundle("exit 0", (config) => {
    log.mount(config);
    const note = (point: string) =>
      shell(
        `echo "${point} $(readlink /proc/self/ns/mnt /proc/self/ns/pid /proc/self/ns/net | ` +
          `sed "s/$(readlink /proc/$PPID/ns/mnt 2>/dev/null || echo none)/caller/" | wc -l) ` +
          `$(id -u) $(pwd) $(test -e /bin/busybox.only && echo inside || echo outside)" >> ${log.path}`,
        { env: ["PATH=/bin:/usr/bin"] },
      );
    config.hooks = Object.fromEntries(POINTS.map((point) => [point, [note(point)]]));
  });
  Deno.writeTextFileSync(`${bundle.folder}/rootfs/bin/busybox.only`, "");
  // runc enters the bundle, hull needs not be there
  new Deno.Command("runc", { args: ["run", "hull-hooks-runc"], cwd: bundle.folder, stdin: "null" })
    .outputSync();
  // runc's startContainer hooks, which are init's, may come later than its poststart ones
  const sorted = () => log.read().trimEnd().split("\n").sort();
  const expected = sorted();
  Deno.writeTextFileSync(log.path, "");
  await hull.must("run", "-b", bundle.folder, "hull-hooks-hull");
  assertEquals(sorted(), expected);
  assertEquals(expected.length, POINTS.length);
});

Deno.test("a hook may have a timeout of years", async () => {
  await leavesNothing("hull-hooks-years", async () => {
    await using hull = new Hull();
    using bundle = makeBundle("true", (config) => {
      config.hooks = { prestart: [{ ...shell("sleep 0.1"), timeout: 10 ** 9 }] };
    });
    await hull.must("run", "-b", bundle.folder, "hull-hooks-years");
  });
});

Deno.test("createContainer hooks run in the container's namespaces, where they may mount", async () => {
  await leavesNothing("hull-hooks-mount", async () => {
    await using hull = new Hull();
    using bundle = makeBundle("cat /data/made; readlink /proc/self/ns/uts", (config) => {
      config.hooks = {
        createContainer: [
          shell("mount -t tmpfs none data && readlink /proc/self/ns/uts > data/made"),
        ],
      };
    });
    const said = await hull.must("run", "-b", bundle.folder, "hull-hooks-mount");
    const [inHook, inProgram] = said.trimEnd().split("\n");
    assertEquals(inHook, inProgram);
    assert(inHook !== Deno.readLinkSync("/proc/self/ns/uts"));
  });
});

for (const kind of ["direct", "reexec"] as const) {
  for (const where of ["the rootfs", "a volume"]) {
    testWhere(
      kind === "direct" ? ROOT : undefined,
      `${kind}: the working folder is made in what a hook mounts over a part of ${where}`,
      async () => {
        await leavesNothing("hull-hooks-cwd", async () => {
          await using hull = new Hull();
          using volume = scratchFolder();
          Deno.mkdirSync(`${volume.path}/part`);
          const part = where === "a volume" ? "/data/part" : "/data";
          const cwd = `${part}/work/er`;
          using bundle = makeBundle(`pwd; ls ${part}`, (config) => {
            config.process.cwd = cwd;
            if (where === "a volume") {
              const source = volume.path;
              config.mounts.push({ destination: "/data", type: "bind", source, options: ["bind"] });
            }
            config.hooks = {
              createContainer: [shell(`mount -t tmpfs none .${part} && touch .${part}/hooked`)],
            };
          });
          const line = ["run", "--init", kind, "-b", bundle.folder, "hull-hooks-cwd"];
          assertEquals(await hull.must(...line), `${cwd}\nhooked\nwork\n`);
          const below = [`${bundle.folder}/rootfs/data`, `${volume.path}/part`];
          assertEquals(below.flatMap((path) => [...Deno.readDirSync(path)]), []);
        });
      },
    );
  }

  Deno.test(`${kind}: create's hooks run before a working folder that can't be made`, async () => {
    await using hull = new Hull();
    using log = sharedLog();
    using bundle = makeBundle("pwd", (config) => {
      config.process.cwd = "/etc/passwd/work";
      config.hooks = { createRuntime: [shell(`echo ran > ${log.path}`)] };
    });
    const line = ["run", "--init", kind, "-b", bundle.folder, "hull-hooks-cwd"];
    assertMatch(await hull.refuse(...line), /cannot make the working folder: not a directory/);
    assertEquals(log.read(), "ran\n");
  });
}

Deno.test("startContainer hooks have the program's user, rights, folder and environment", async () => {
  await using hull = new Hull();
  const look = "id -u; id -G; pwd; echo $GREETING; " +
    "grep -E '^(Cap|NoNewPrivs)' /proc/self/status; ulimit -n; cat /proc/self/cgroup; hostname; umask";
  using bundle = makeBundle(look, (config) => {
    config.process.user = { uid: 1000, gid: 1000, additionalGids: [4], umask: 0o27 };
    config.process.cwd = "/tmp";
    config.process.noNewPrivileges = true;
    config.process.env = [...config.process.env ?? [], "GREETING=hello"];
    config.hooks = { startContainer: [shell(`{ ${look}; } > /data/seen`)] };
    config.root.readonly = false;
  });
  Deno.chmodSync(`${bundle.folder}/rootfs/data`, 0o777);
  const program = await hull.must("run", "-b", bundle.folder, "hull-hooks-who");
  const hook = Deno.readTextFileSync(`${bundle.folder}/rootfs/data/seen`);
  assertEquals(hook, program);
  assertStringIncludes(hook, "1000\n1000 4\n/tmp\nhello\n");
});

Deno.test("a hook's own arguments and environment are all that it has", async () => {
  await using hull = new Hull();
  using log = sharedLog();
  using bundle = makeBundle("exit 0", (config) => {
    const env = ["A=1", "B=two words"];
    config.hooks = {
      createRuntime: [{
        path: "/usr/bin/env",
        args: [
          "other-name",
          "-u",
          "A",
          "sh",
          "-c",
          `/usr/bin/env | grep -vE '^(PWD|SHLVL|_)=' > ${log.path}`,
        ],
        env: [...env, "PATH=/usr/bin:/bin"],
      }],
    };
  });
  await hull.must("run", "-b", bundle.folder, "hull-hooks-env");
  assertEquals(log.read().trimEnd().split("\n").sort(), ["B=two words", "PATH=/usr/bin:/bin"]);
});

Deno.test("a hook may leave a process behind that holds its output, and may not read its stdin", async () => {
  await using hull = new Hull();
  using log = sharedLog();
  using bundle = makeBundle("exit 0", (config) => {
    config.annotations = { long: "x".repeat(300_000) };
    config.hooks = { createRuntime: [shell(`sleep 20 & echo $! > ${log.path}; exec true`)] };
  });
  const begun = Date.now();
  await hull.must("run", "-b", bundle.folder, "hull-hooks-daemon");
  Deno.kill(Number(log.read()), "SIGKILL");
  assert(Date.now() - begun < 10_000, "it waited for the process that the hook left");
});

testWhere(
  ROOT,
  "in a user namespace createContainer and startContainer hooks are its root's",
  async () => {
    await using hull = new Hull();
    using log = sharedLog();
    using bundle = makeBundle("exit 0", (config) => {
      log.mount(config);
      config.linux.namespaces = [...config.linux.namespaces ?? [], { type: "user" }];
      const ids = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
      config.linux.uidMappings = ids;
      config.linux.gidMappings = ids;
      const note = (point: string) =>
        shell(`echo ${point} $(id -u) $(cut -d' ' -f1-20 /proc/self/uid_map) >> ${log.path}`);
      config.hooks = Object.fromEntries(
        ["createRuntime", "createContainer", "startContainer"].map((
          point,
        ) => [point, [note(point)]]),
      );
    });
    run("chown", "-R", "100000:100000", `${bundle.folder}/rootfs`);
    await hull.must("run", "-b", bundle.folder, "hull-hooks-user");
    const lines = log.read().trimEnd().split("\n").map((line) => line.split(/\s+/));
    assertEquals(lines.map(([point, uid, , host]) => [point, uid, host]), [
      ["createRuntime", "0", "0"],
      ["createContainer", "0", "100000"],
      ["startContainer", "0", "100000"],
    ]);
  },
);

testWhere(ROOT, "hooks of a container that joins a pid namespace", async () => {
  await using hull = new Hull();
  using log = sharedLog();
  using first = makeBundle("sleep 600");
  await hull.detach("run", "-d", "-b", first.folder, "hull-hooks-pod");
  const { pid } = JSON.parse(await hull.must("state", "hull-hooks-pod"));
  using bundle = makeBundle("exit 0", (config) => {
    log.mount(config);
    config.linux.namespaces = (config.linux.namespaces ?? []).map((namespace) =>
      namespace.type === "pid" ? { type: "pid", path: `/proc/${pid}/ns/pid` } : namespace
    );
    config.hooks = {
      createContainer: [shell(`echo "createContainer $(cat)" >> ${log.path}`)],
      startContainer: [shell(`echo "startContainer $(cat)" >> ${log.path}`)],
    };
  });
  await hull.must("run", "-b", bundle.folder, "hull-hooks-joins");
  // Each sees numbers of the pid namespace that it is in itself. What has the host's rights, as a
  // createContainer hook, is not to be seen by who lives where the container is born.
  const pids = recorded(log.read()).map(([hook, state]) => [hook, state.pid] as const);
  assertEquals(pids.map(([hook]) => hook), ["createContainer", "startContainer"]);
  for (const [hook, seen] of pids) {
    assert(seen > 1 && (hook === "createContainer" || seen < 100), `${pids}`);
  }
});

Deno.test("a run that takes orphans in leaves the hooks' statuses to who waits for them", async () => {
  await leavesNothing("hull-hook-orphans", async () => {
    await using hull = new Hull();
    using log = sharedLog();
    // Without a pid namespace orphans are left to hull; those of the loop end all the while.
    const orphans = "for i in 1 2 3 4 5; do sh -c 'sleep 0.1 & exit 0'; done;";
    using bundle = makeBundle(`${orphans} sleep 0.3; ${orphans} exit 7`, (config) => {
      config.linux.namespaces = config.linux.namespaces?.filter(({ type }) => type !== "pid") ?? [];
      const hook = (name: string) => shell(`${orphans} echo ${name} >> ${log.path}; sleep 0.2`);
      config.hooks = {
        createRuntime: [hook("create")],
        poststart: [hook("poststart")],
        poststop: [hook("poststop"), hook("again")],
      };
    });
    assertEquals(await hull.call(["run", "-b", bundle.folder, "hull-hook-orphans"]), {
      code: 7,
      stdout: "",
      stderr: "",
    });
    assertEquals(log.read(), "create\npoststart\npoststop\nagain\n");
  });
});
