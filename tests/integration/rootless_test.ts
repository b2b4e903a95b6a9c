/**
 * Containers of an ordinary user: how its ids are mapped, and the whole life of a container.
 *
 * @module
 */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { until } from "../fixtures/until.ts";
import type { Draft } from "../fixtures/bundle.ts";
import {
  DECOY,
  FIRST_SUBORDINATE,
  missing,
  OrdinaryUser,
  TOOLS,
  UID,
} from "../fixtures/ordinary_user.ts";
import { testWhere } from "../fixtures/test_where.ts";

const MAPS = "cat /proc/self/uid_map /proc/self/gid_map | tr -s ' '; cat /proc/self/setgroups";
const ONE = ` 0 ${UID} 1\n`;
const ALL = `${ONE} 1 ${FIRST_SUBORDINATE} 65536\n`;

function script(text: string, change: (config: Draft) => void = () => {}) {
  return (config: Draft) => {
    config.process.args = ["sh", "-c", text];
    change(config);
  };
}

/** As `hull spec --rootless`. */
function mapOne(config: Draft): void {
  config.linux.namespaces = [...config.linux.namespaces ?? [], { type: "user" }];
  config.linux.uidMappings = [{ containerID: 0, hostID: UID, size: 1 }];
  config.linux.gidMappings = [{ containerID: 0, hostID: UID, size: 1 }];
}

Deno.test("an ordinary user runs a bundle that maps one id", async () => {
  await using user = new OrdinaryUser();
  const folder = user.bundle("one", script(`id -u; ${MAPS}; exit 3`, mapOne));
  const { code, stdout, stderr } = await user.call(["run", "-b", folder, "one"]);
  assertEquals({ code, stderr }, { code: 3, stderr: "" });
  assertEquals(stdout, `0\n${ONE}${ONE}deny\n`);
  assertEquals(user.left(), []);
});

testWhere(
  TOOLS,
  "a config without maps, or without a user namespace, gets all ids that the host gives",
  async () => {
    await using user = new OrdinaryUser();
    const plain = user.bundle("plain", script(MAPS));
    const without = user.bundle(
      "without",
      script(MAPS, (config) => {
        config.linux.namespaces = [...config.linux.namespaces ?? [], { type: "user" }];
      }),
    );
    for (const folder of [plain, without]) {
      assertEquals(await user.must(["run", "-b", folder, "x"]), `${ALL}${ALL}allow\n`);
    }
    const other = user.bundle(
      "other",
      script(`id -u; ${MAPS}`, (config) => {
        config.process.user = { uid: 7, gid: 9 };
      }),
    );
    const uids = ` 0 ${FIRST_SUBORDINATE} 7\n 7 ${UID} 1\n 8 ${FIRST_SUBORDINATE + 7} 65529\n`;
    const gids = ` 0 ${FIRST_SUBORDINATE} 9\n 9 ${UID} 1\n 10 ${FIRST_SUBORDINATE + 9} 65527\n`;
    assertEquals(await user.must(["run", "-b", other, "x"]), `7\n${uids}${gids}allow\n`);
  },
);

testWhere(DECOY, "where the host gives no ids one is mapped, with a word about why", async () => {
  await using user = new OrdinaryUser();
  const folder = user.bundle("plain", script(MAPS));
  const missing = [
    [{ tools: true }, "newuidmap is missing: install the package uidmap"],
    [{ subordinates: true }, "/etc/subuid has no entry for this user: usermod --add-subuids"],
  ] as const;
  for (const [lacks, why] of missing) {
    if (TOOLS !== undefined && !("tools" in lacks)) continue;
    const { code, stdout, stderr } = await user.call(["run", "-b", folder, "x"], { lacks });
    assertEquals({ code, stdout }, { code: 0, stdout: `${ONE}${ONE}deny\n` }, stderr);
    assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
    assertStringIncludes(stderr, why);
  }
});

testWhere(DECOY, "a user of the host's group 0 runs a bundle that maps one id", async () => {
  await using user = new OrdinaryUser();
  const folder = user.bundle(
    "zero",
    script(MAPS, (config) => {
      mapOne(config);
      config.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 1 }];
    }),
  );
  const said = await user.must(["run", "-b", folder, "x"], { group: 0 });
  assertEquals(said, `${ONE} 0 0 1\ndeny\n`);
});

testWhere(DECOY, "a single id may be another than root's", async () => {
  await using user = new OrdinaryUser();
  const folder = user.bundle(
    "seven",
    script(`id -u; id -g; touch /tmp/x; stat -c %u /tmp/x; rm /tmp/x; ${MAPS}`, (config) => {
      config.process.user = { uid: 7, gid: 9 };
      config.root.readonly = false;
    }),
  );
  const lacks = { tools: true };
  for (const init of ["direct", "reexec"]) {
    const args = ["run", "--init", init, "-b", folder, "x"];
    const { code, stdout, stderr } = await user.call(args, { lacks });
    assertEquals(code, 0, stderr);
    assertEquals(stdout, `7\n9\n7\n 7 ${UID} 1\n 9 ${UID} 1\ndeny\n`);
  }
});

testWhere(
  DECOY,
  "what needs more ids than there are is refused with the way to get them",
  async () => {
    await using user = new OrdinaryUser();
    const groups = user.bundle(
      "groups",
      script("id", (config) => {
        config.process.user = { uid: 0, gid: 0, additionalGids: [4] };
      }),
    );
    const many = user.bundle(
      "many",
      script("id", (config) => {
        mapOne(config);
        config.linux.uidMappings = [
          { containerID: 0, hostID: UID, size: 1 },
          { containerID: 1, hostID: FIRST_SUBORDINATE, size: 10 },
        ];
      }),
    );
    const foreign = user.bundle(
      "foreign",
      script("id", (config) => {
        mapOne(config);
        config.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 1 }];
      }),
    );
    const without = { lacks: { tools: true } };
    const said = await user.refuse(["run", "-b", groups, "x"], without);
    assertStringIncludes(said, "/process/user/additionalGids/0: is not mapped");
    assertStringIncludes(said, "newuidmap is missing: install the package uidmap");
    assertMatch(
      await user.refuse(["run", "-b", many, "x"], without),
      /newuidmap.*is missing.*install/,
    );
    if (TOOLS !== undefined) return;
    const none = { lacks: { subordinates: true } };
    assertMatch(await user.refuse(["run", "-b", many, "x"], none), /not allowed.*\/etc\/subuid/);
    assertMatch(await user.refuse(["run", "-b", foreign, "x"]), /not allowed.*\/etc\/subuid/);
  },
);

Deno.test("the whole life of a user's container", async () => {
  await using user = new OrdinaryUser();
  const folder = user.bundle("life", (config) => {
    config.process.args = ["sleep", "1000"];
    mapOne(config);
  });
  for (const init of ["direct", "reexec"]) {
    await user.detach(["create", "--init", init, "-b", folder, "w"]);
    assertMatch(await user.must(["state", "w"]), /"status": "created"/);
    await user.must(["start", "w"]);
    assertEquals(await user.must(["exec", "w", "sh", "-c", MAPS]), `${ONE}${ONE}deny\n`);
    const { code } = await user.call(["exec", "w", "sh", "-c", "exit 9"]);
    assertEquals(code, 9);
    assertMatch(await user.must(["ps", "w"]), /sleep 1000/);
    assertMatch(await user.must(["list"]), /^w +\d+ +running .* dev$/m);
    assertMatch(await user.must(["events", "--stats", "w"]), /^\{"type":"stats","id":"w"/);
    const paused = await user.call(["pause", "w"]);
    if (paused.code === 0) await user.must(["resume", "w"]); // where cgroups are delegated
    else assertMatch(paused.stderr, /^hull: the container has no cgroups: .*delegated.*\n$/);
    const program = ["sh", "-c", "trap 'exit 7' USR1; echo; while :; do sleep 0.05; done"];
    await user.detach(["exec", "--detach", "w", ...program]);
    assertEquals((await pidsOf(user, "w")).length >= 2, true);
    await user.must(["kill", "--all", "w", "0"]);
    await user.must(["kill", "--all", "w", "KILL"]);
    await user.must(["delete", "--force", "w"]);
    assertEquals(user.left(), []);
  }
});

async function pidsOf(user: OrdinaryUser, id: string): Promise<number[]> {
  return JSON.parse(await user.must(["ps", "--format", "json", id])) as number[];
}

Deno.test("a signal to all reaches those that a container without cgroups has", async () => {
  await using user = new OrdinaryUser();
  const waits = "trap 'exit 7' USR1; while :; do sleep 0.05; done";
  const folder = user.bundle(
    "all",
    script(`(${waits}) & (${waits}) & trap : USR1; wait; wait`, mapOne),
  );
  await user.detach(["run", "-d", "-b", folder, "all"]);
  await until(async () => (await pidsOf(user, "all")).length >= 3);
  await until(async () => {
    await user.call(["kill", "--all", "all", "USR1"]);
    const state = JSON.parse(await user.must(["state", "all"])) as { status: string };
    return state.status === "stopped";
  });
  await user.must(["delete", "all"]);
});

Deno.test("a user's terminal: of the first process and of a further one", async () => {
  await using user = new OrdinaryUser();
  const folder = user.bundle("tty", (config) => {
    config.process.args = ["sh", "-c", "tty; stty -a | head -n 1"];
    mapOne(config);
  });
  const typed = ["script", "--quiet", "--return", "--command"];
  const run = `${user.hull.join(" ")} run --tty -b ${folder} t`;
  const first = await user.run([...typed, run, "/dev/null"]);
  assertEquals(first.code, 0, first.stdout);
  assertStringIncludes(first.stdout, "/dev/pts/0");
  const sleep = user.bundle("sleep", (config) => {
    config.process.args = ["sleep", "1000"];
    mapOne(config);
  });
  await user.detach(["run", "--detach", "-b", sleep, "t"]);
  const exec = `${user.hull.join(" ")} exec --tty t tty`;
  const further = await user.run([...typed, exec, "/dev/null"]);
  assertEquals(further.code, 0, further.stdout);
  assertStringIncludes(further.stdout, "/dev/pts/0");
  await user.must(["delete", "--force", "t"]);
});

testWhere(TOOLS, "a terminal belongs to the user of the process, whichever that is", async () => {
  await using user = new OrdinaryUser();
  const own = (config: Draft) => void (config.process.args = ["sleep", "1000"]);
  const other = (config: Draft) => {
    own(config);
    const map = [
      { containerID: 0, hostID: FIRST_SUBORDINATE, size: 1000 },
      { containerID: 1000, hostID: UID, size: 1 },
    ];
    config.linux.namespaces = [...config.linux.namespaces ?? [], { type: "user" }];
    config.linux.uidMappings = map;
    config.linux.gidMappings = map;
  };
  for (const [name, change] of [["own", own], ["other", other]] as const) {
    await user.detach(["run", "-d", "-b", user.bundle(name, change), "t"]);
    for (const id of ["0", "7"]) {
      const show = "stat -c %u /dev/pts/0; echo x >/dev/tty";
      const said = await user.must(["exec", "--tty", "--user", id, "t", "sh", "-c", show]);
      assertEquals(said.replaceAll("\r", ""), `${id}\nx\n`);
    }
    await user.must(["delete", "--force", "t"]);
  }
});

Deno.test("a supervised container of a user keeps its exit code", async () => {
  await using user = new OrdinaryUser();
  const folder = user.bundle("supervised", script("exit 5", mapOne));
  await user.detach(["run", "--supervise", "--detach", "-b", folder, "s"]);
  assertEquals(await user.must(["wait", "s"]), "5\n");
  await user.must(["delete", "s"]);
});

Deno.test("the built-in default runs for a user, with the ids that there are", async () => {
  await using user = new OrdinaryUser();
  const command = ["--", "sh", "-c", "id -u; hostname; ls -d /usr/bin; touch /tmp/x /usr/x"];
  const kinds = [
    ...(TOOLS === undefined ? [{}] : []),
    ...(DECOY === undefined ? [{ tools: true }] : []),
  ];
  for (const lacks of kinds) {
    const { code, stdout, stderr } = await user.call(["run", "web", ...command], { lacks });
    assertEquals({ code, stdout }, { code: 1, stdout: "0\nweb\n/usr/bin\n" }, stderr);
    assertStringIncludes(stderr, "Read-only file system");
  }
  assertEquals(
    await user.must(["run", "--network", "host", "web", ...command.slice(0, 1), "id", "-u"], {
      lacks: {},
    }),
    "0\n",
  );
});

testWhere(DECOY, "a user's state lies in the session's folder, and nowhere else", async () => {
  await using user = new OrdinaryUser();
  const folder = user.bundle("one", script("true", mapOne));
  await user.must(["run", "-b", folder, "one"]);
  assertEquals(Deno.statSync(`${user.session}/hull`).mode! & 0o7777, 0o1700);
  const before = `mount -t tmpfs -o mode=755 none /run; mkdir -m 700 /run/hull`;
  const lacks = { session: true };
  const { code, stderr } = await user.call(["run", "-b", folder, "one"], { before, lacks });
  assertEquals({ code, lines: stderr.trimEnd().split("\n").length }, { code: 1, lines: 1 }, stderr);
  assertStringIncludes(stderr, "XDG_RUNTIME_DIR");
  const other = "mount -t tmpfs -o mode=755 none /run; mkdir -p /run/user/0; chmod 700 /run/user/0";
  const through = ["env", "XDG_RUNTIME_DIR=/run/user/0"];
  const wrong = await user.call(["run", "-b", folder, "one"], { before: other, through });
  assertEquals(wrong.code, 1);
  assertMatch(wrong.stderr, /^hull: .*XDG_RUNTIME_DIR must name .* such as \/run\/user\/1000.*\n$/);
  const rootOfNone = ["unshare", "-Ur", "env", "-u", "XDG_RUNTIME_DIR"];
  const inside = await user.call(["run", "-b", folder, "one"], { before, through: rootOfNone });
  assertEquals(inside.code, 1);
  assertMatch(inside.stderr, /^hull: .*\/run\/hull.*XDG_RUNTIME_DIR.*\n$/);
  const there = `${before}; mkdir -p /run/user/${UID}; chown ${UID} /run/user/${UID}`;
  await user.must(["run", "-b", folder, "one"], { before: there, lacks });
});

Deno.test("a user's container joins the namespaces of another one", async () => {
  await using user = new OrdinaryUser();
  const first = user.bundle("first", (config) => {
    config.process.args = ["sleep", "1000"];
    mapOne(config);
  });
  await user.detach(["run", "-d", "-b", first, "one"]);
  const { pid } = JSON.parse(await user.must(["state", "one"])) as { pid: number };
  const names = { user: "user", network: "net", ipc: "ipc", uts: "uts", pid: "pid" } as const;
  const kinds = [["user", "network", "ipc"], ["user", "pid", "network", "ipc", "uts"]] as const;
  const show = Object.values(names).map((name) => `readlink /proc/self/ns/${name}`).join("; ");
  const others = (await user.must(["exec", "one", "sh", "-c", show])).split("\n");
  for (const [k, kind] of kinds.entries()) {
    const second = user.bundle(
      `second${k}`,
      script(`id -u; ${show}`, (config) => {
        config.linux.namespaces = (["user", "mount", "pid", "network", "ipc", "uts"] as const)
          .map((type) =>
            kind.some((each) => each === type)
              ? { type, path: `/proc/${pid}/ns/${names[type as keyof typeof names]}` }
              : { type }
          );
        delete config.hostname;
      }),
    );
    const [id, ...own] = (await user.must(["run", "-b", second, "two"])).split("\n");
    assertEquals(id, "0");
    Object.keys(names).forEach((name, at) => {
      assertEquals(own[at] === others[at], kind.some((each) => each === name), name);
    });
  }
  await user.must(["delete", "--force", "one"]);
});

Deno.test("the library needs no root: a Factory and a driver find their folder and way", async () => {
  await using user = new OrdinaryUser();
  const program = `
    import { ExecDriver, Factory, Process } from "${user.sources}/mod.ts";
    const factory = new Factory();
    {
      await using container = await factory.create("lib");
      const process = new Process({ args: ["id", "-u"], stdout: "inherit" });
      await container.run(process);
      console.log(factory.root, (await process.wait()).code);
    }
    const driver = new ExecDriver();
    const { readable, writable } = new TransformStream();
    const output = new Response(readable).text();
    const command = { id: "driven", args: ["sh", "-c", "id -u; exit 3"] };
    const { code } = await driver.run(command, { stdout: writable });
    console.log(await output, code);
  `;
  Deno.writeTextFileSync(`${user.home}/program.ts`, program);
  const config = `${user.sources}/deno.json`;
  const words = [user.deno, "run", "-qA", "--no-lock", "--config", config];
  const { code, stdout, stderr } = await user.run([...words, `${user.home}/program.ts`]);
  assertEquals({ code, stdout }, {
    code: 0,
    stdout: `0\n${user.session}/hull 0\n0\n 3\n`,
  }, stderr);
  assertEquals(user.left(), []);
});

testWhere(
  TOOLS ?? missing("crun"),
  "the maps are those that crun makes of the same bundles",
  async () => {
    await using user = new OrdinaryUser();
    const before = "umount /sys/fs/cgroup/unified 2>/dev/null || true"; // crun refuses a hybrid host
    for (const [uid, gid] of [[0, 0], [7, 9], [70_000, 0]] as const) {
      const folder = user.bundle(
        `of-${uid}`,
        script(MAPS, (config) => {
          config.linux.namespaces = [...config.linux.namespaces ?? [], { type: "user" }];
          config.process.user = { uid, gid };
        }),
      );
      const cwd = folder;
      const theirs = await user.run(["crun", "--cgroup-manager", "disabled", "run", "x"], {
        before,
        cwd,
      });
      assertEquals(theirs.code, 0, theirs.stderr);
      assertEquals(await user.must(["run", "x"], { cwd }), theirs.stdout);
    }
  },
);
