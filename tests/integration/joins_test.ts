import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { type Container, ContainerError, Factory, Process } from "../../mod.ts";
import { needsUsher } from "../../init/launch/launch_usher.ts";
import { type Bundle, type Draft, makeBundle, run } from "../fixtures/bundle.ts";
import { DRIVER } from "../fixtures/cgroup_driver.ts";
import { Hull } from "../fixtures/cli.ts";
import { leavesNothing } from "../fixtures/leftovers.ts";
import { rootFolder } from "../fixtures/root_folder.ts";
import { testWhere } from "../fixtures/test_where.ts";
import { inTime } from "../fixtures/until.ts";

type Type = NonNullable<Draft["linux"]["namespaces"]>[number]["type"];

/** Has the config join a namespace of a process. */
function join(config: Draft, type: Type, path: string): void {
  const namespaces = config.linux.namespaces ?? [];
  const found = namespaces.find((namespace) => namespace.type === type);
  if (found === undefined) namespaces.push({ type, path });
  else found.path = path;
}

/** Runs one container beside a first one that sleeps, and gives what it printed. */
async function beside(
  id: string,
  first: (config: Draft) => void,
  second: (config: Draft, pid: number) => void,
  script: string,
  check: (text: string, first: number) => void,
): Promise<void> {
  await leavesNothing(id, async () => {
    await using root = rootFolder();
    const factory = new Factory({ ...DRIVER, root: root.path });
    using one = makeBundle("", (config) => {
      config.process.args = ["sleep", "600"];
      first(config);
    });
    own(one);
    await using container = await start(factory, `${id}-1`, one);
    const pid = container.ociState().pid;
    using two = makeBundle(script, (config) => second(config, pid));
    own(two);
    await using joined = await factory.create(`${id}-2`, two.config, { bundle: two.folder });
    const process = new Process({ stdin: "null", stdout: "piped" });
    await joined.run(process);
    check(await new Response(process.stdout).text(), pid);
    assertEquals((await process.wait()).code, 0);
  });
}

async function start(factory: Factory, id: string, bundle: Bundle): Promise<Container> {
  const container = await factory.create(id, bundle.config, { bundle: bundle.folder });
  await container.run(new Process({ stdin: "null" }));
  return container;
}

/** Gives the rootfs to the root of a user namespace. */
function own({ folder, config }: Bundle): void {
  if (config.linux?.namespaces?.every(({ type }) => type !== "user") ?? true) return;
  Deno.chmodSync(folder, 0o755);
  run("chown", "-R", "100000:100000", `${folder}/rootfs`);
}

function mapped(config: Draft): void {
  config.linux.namespaces?.push({ type: "user" });
  const map = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  config.linux.uidMappings = map;
  config.linux.gidMappings = map;
}

Deno.test("joined network, IPC and UTS namespaces are the other container's", async () => {
  await beside(
    "hull-join-net",
    (config) => {
      config.hostname = "first";
    },
    (config, pid) => {
      join(config, "network", `/proc/${pid}/ns/net`);
      join(config, "ipc", `/proc/${pid}/ns/ipc`);
      join(config, "uts", `/proc/${pid}/ns/uts`);
      config.hostname = undefined as never;
      delete config.hostname;
    },
    "hostname; readlink /proc/self/ns/net; readlink /proc/self/ns/ipc",
    (text, pid) => {
      const links = ["net", "ipc"].map((name) => Deno.readLinkSync(`/proc/${pid}/ns/${name}`));
      assertEquals(text.trim().split("\n"), ["first", ...links]);
    },
  );
});

Deno.test("in a joined pid namespace a container sees the other's processes, and is not the first", async () => {
  await beside(
    "hull-join-pid",
    () => {},
    (config, pid) => join(config, "pid", `/proc/${pid}/ns/pid`),
    "echo $$; readlink /proc/self/ns/pid; cat /proc/1/comm",
    (text, pid) => {
      const [own, link, name] = text.trim().split("\n");
      assertNotEquals(own, "1");
      assertEquals([link, name], [Deno.readLinkSync(`/proc/${pid}/ns/pid`), "sleep"]);
    },
  );
});

Deno.test("a joined user namespace: its root, with namespaces of its own below", async () => {
  await beside(
    "hull-join-user",
    mapped,
    (config, pid) => join(config, "user", `/proc/${pid}/ns/user`),
    "id -u; readlink /proc/self/ns/user; readlink /proc/self/ns/mnt; head -n 1 /proc/self/uid_map | awk '{print $2}'",
    (text, pid) => {
      const [uid, user, mount, host] = text.trim().split("\n");
      assertEquals([uid, user, host], ["0", Deno.readLinkSync(`/proc/${pid}/ns/user`), "100000"]);
      assertNotEquals(mount, Deno.readLinkSync(`/proc/${pid}/ns/mnt`));
    },
  );
});

Deno.test("what a fork counts or takes away holds in a joined pid namespace", async () => {
  // the first words of the lines are the limit, soft and hard, the nice value and the policy
  const script = "while read -r a b c d rest; do [ $b = processes ] && echo $c $d; done " +
    "</proc/self/limits; read -r s </proc/self/stat; set -- $s; shift 18; echo $1; shift 22; echo $1";
  const cases: readonly (readonly [string, (config: Draft) => void, RegExp])[] = [
    ["pids", (config) => config.linux.resources = { pids: { limit: 1 } }, /^\d+ \d+\n0\n0\n$/],
    ["nproc", (config) => {
      config.process.user = { uid: 4711, gid: 4711 };
      config.process.rlimits = [{ type: "RLIMIT_NPROC", soft: 1, hard: 1 }];
    }, /^1 1\n0\n0\n$/],
    ["nice", (config) => {
      const flags = ["SCHED_FLAG_RESET_ON_FORK"] as const;
      config.process.scheduler = { policy: "SCHED_OTHER", nice: 5, flags: [...flags] };
    }, /^\d+ \d+\n5\n0\n$/],
    ["deadline", (config) => {
      const [runtime, deadline, period] = [1_000_000, 10_000_000, 10_000_000];
      config.process.scheduler = { policy: "SCHED_DEADLINE", runtime, deadline, period };
    }, /^\d+ \d+\n0\n6\n$/],
  ];
  for (const [name, change, expected] of cases) {
    await beside(
      `hull-join-fork-${name}`,
      () => {},
      (config, pid) => {
        config.linux.namespaces = config.linux.namespaces?.map((namespace) =>
          namespace.type === "pid" ? { type: "pid", path: `/proc/${pid}/ns/pid` } : namespace
        );
        change(config);
      },
      script,
      (text) => assertMatch(text, expected, name),
    );
  }
});

Deno.test("a pod: user, pid, network and IPC namespaces joined at once", async () => {
  await beside(
    "hull-join-pod",
    mapped,
    (config, pid) => {
      for (const [type, name] of [["user"], ["pid"], ["network", "net"], ["ipc"]]) {
        join(config, type as Type, `/proc/${pid}/ns/${name ?? type}`);
      }
    },
    "id -u; cat /proc/1/comm; readlink /proc/self/ns/net",
    (text, pid) => {
      assertEquals(text.trim().split("\n"), [
        "0",
        "sleep",
        Deno.readLinkSync(`/proc/${pid}/ns/net`),
      ]);
    },
  );
});

Deno.test("a path that is no pid or user namespace is an error, and nothing is left", async () => {
  for (const type of ["pid", "user"] as const) {
    const id = `hull-join-bad-${type}`;
    await leavesNothing(id, async () => {
      await using hull = new Hull();
      using bundle = makeBundle("exit 0", (config) => join(config, type, "/proc/self/ns/net"));
      const said = await hull.refuse("run", "-b", bundle.folder, id);
      assertStringIncludes(said, "it is a network namespace [step namespaces]");
      using missing = makeBundle("exit 0", (config) => join(config, type, "/no/such/file"));
      const other = await hull.refuse("run", "-b", missing.folder, id);
      assertStringIncludes(other, "ENOENT");
      assert([...Deno.readDirSync(hull.root)].length === 0);
    });
  }
});

/** Kills the one process of hull's program below this one that is not the container's yet. */
const KILL_LAUNCHER = `below() { for c in $(cat /proc/$1/task/*/children); do
  if [ "$(readlink /proc/$c/exe)" = "$2" ]; then kill -9 $c; else below $c "$2"; fi
done; }
below ${Deno.pid} "$(readlink /proc/${Deno.pid}/exe)"`;
const hasUsher = needsUsher([{ type: "pid", path: "/proc/self/ns/pid" }]);

for (const supervised of [false, true]) {
  const how = supervised ? "below a supervisor" : "as a child";
  testWhere(
    hasUsher ? undefined : "procfs's option pidns (Linux 6.18)",
    `a launcher that is killed while a hook runs ends the start, ${how}, and nobody is born`,
    async () => {
      const id = "hull-join-killed";
      await leavesNothing(id, async () => {
        await using root = rootFolder();
        const factory = new Factory({ ...DRIVER, root: root.path });
        using bundle = makeBundle("sleep 1000");
        await using first = await factory.create(`${id}-a`, bundle.config, {
          bundle: bundle.folder,
        });
        await first.run(new Process({ stdin: "null" }));
        using joining = makeBundle("sleep 1000", (config) => {
          join(config, "pid", `/proc/${first.state().pid}/ns/pid`);
          config.hooks = {
            createRuntime: [{ path: "/bin/sh", args: ["sh", "-c", KILL_LAUNCHER] }],
          };
        });
        await using second = await factory.create(`${id}-b`, joining.config, {
          bundle: joining.folder,
        });
        const start = second.start(new Process({ stdin: "null" }), { supervised });
        const error = await assertRejects(() => inTime("the start", start), ContainerError);
        assertStringIncludes(error.message, "init ended before the container was ready");
      });
    },
  );
}
