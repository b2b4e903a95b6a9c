import { detectSecurityModules } from "../../src/security/lsm.ts";
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Fault } from "../../src/errors.ts";
import { Factory } from "../../src/factory.ts";
import { findResctrl } from "../../src/resctrl/intel_rdt.ts";
import type { Draft } from "../fixtures/bundle.ts";
import { makeBundle, run, scratchFolder } from "../fixtures/bundle.ts";
import { HULL, Hull } from "../fixtures/cli.ts";
import { ROOT, testWhere } from "../fixtures/test_where.ts";

/** proc(5): priority, nice, rt_priority and policy are fields 18, 19, 40 and 41 of stat. */
const SCHEDULING =
  "set -- $(sed 's/.*) //' /proc/$$/stat); echo ${16} ${17} ${38} ${39}; ionice -p $$";

const id = () => `hull-process-${crypto.randomUUID().slice(0, 8)}`;

/** What a script prints in a container of hull. */
async function inHull(
  script: string,
  change: (config: Draft) => void = () => {},
  name = id(),
): Promise<string> {
  await using hull = new Hull();
  using bundle = makeBundle(script, change);
  const { code, stdout, stderr } = await hull.call(["run", "-b", bundle.folder, name]);
  assertEquals([code, stderr], [0, ""]);
  return stdout;
}

/** What hull says of a config that can't be run. */
async function refused(change: (config: Draft) => void): Promise<string> {
  await using hull = new Hull();
  using bundle = makeBundle("echo ran", change);
  return await hull.refuse("run", "-b", bundle.folder, id());
}

/** The same script with the same config in a container of runc. */
function inRunc(script: string, change: (config: Draft) => void, name = id()): string {
  using bundle = makeBundle(script, change);
  using state = scratchFolder();
  const words = `exec runc --root ${state.path} run -b ${bundle.folder} ${name} </dev/null`;
  return run("sh", "-c", words);
}

testWhere(
  ROOT,
  "each scheduling policy is the program's, with its nice value or priority",
  async () => {
    const seen = async (scheduler: NonNullable<Draft["process"]["scheduler"]>) => {
      const text = await inHull(SCHEDULING, (config) => {
        config.process.scheduler = scheduler;
      });
      return text.split("\n")[0];
    };
    assertEquals(await seen({ policy: "SCHED_OTHER", nice: 7 }), "27 7 0 0");
    assertEquals(await seen({ policy: "SCHED_BATCH", nice: -3 }), "17 -3 0 3");
    assertEquals(await seen({ policy: "SCHED_IDLE" }), "20 0 0 5");
  },
);

Deno.test("a realtime policy is set, or its refusal names the field and what it takes", async () => {
  await using hull = new Hull();
  using bundle = makeBundle(SCHEDULING, (config) => {
    config.process.scheduler = { policy: "SCHED_FIFO", priority: 9 };
  });
  const { code, stdout, stderr } = await hull.call(["run", "-b", bundle.folder, id()]);
  if (code === 0) return assertEquals(stdout.split("\n")[0], "-10 0 9 1");
  assertStringIncludes(stderr, "sched_setattr(SCHED_FIFO): EPERM [step scheduling]");
  assertStringIncludes(stderr, "[config /process/scheduler]; it needs CAP_SYS_NICE");
});

testWhere(ROOT, "SCHED_DEADLINE gets its times, and a policy of no kernel is refused", async () => {
  const times = { runtime: 1_000_000, deadline: 10_000_000, period: 20_000_000 };
  const text = await inHull("", (config) => {
    config.process.args = ["cat", "/proc/self/sched"]; // a shell could not fork
    config.process.scheduler = { policy: "SCHED_DEADLINE", ...times };
  });
  assertStringIncludes(text.replaceAll(/ +/g, " "), "policy : 6");
  const error = await refused((config) => {
    config.process.scheduler = { policy: "SCHED_ISO" };
  });
  assertStringIncludes(error, "sched_setattr(SCHED_ISO): EINVAL");
  assertStringIncludes(error, "[config /process/scheduler]; the kernel has no such policy");
});

testWhere(ROOT, "the I/O priority is the program's", async () => {
  const seen = async (ioPriority: NonNullable<Draft["process"]["ioPriority"]>) => {
    const text = await inHull("ionice -p $$", (config) => {
      config.process.ioPriority = ioPriority;
    });
    return text.trim();
  };
  assertEquals(await seen({ class: "IOPRIO_CLASS_BE", priority: 6 }), "best-effort: prio 6");
  assertEquals(await seen({ class: "IOPRIO_CLASS_RT", priority: 1 }), "realtime: prio 1");
  assertStringIncludes(await seen({ class: "IOPRIO_CLASS_IDLE" }), "idle");
});

const cpus = navigator.hardwareConcurrency;

testWhere(
  cpus < 2 ? "two CPUs" : undefined,
  "a hull bound to one CPU starts a program that may use them all",
  async () => {
    await using hull = new Hull();
    using bundle = makeBundle("grep Cpus_allowed_list /proc/self/status");
    const seen = run(
      "taskset",
      "1",
      ...HULL,
      "--root",
      hull.root,
      "run",
      "-b",
      bundle.folder,
      id(),
    );
    const all = run("grep", "Cpus_allowed_list", "/proc/1/status");
    assertEquals(seen, all);
  },
);

testWhere(ROOT, "the affinity is that of the container's cpuset", async () => {
  const text = await inHull("grep Cpus_allowed_list /proc/self/status", (config) => {
    config.linux.resources = { ...config.linux.resources, cpu: { cpus: "0" } };
  });
  assertEquals(text, "Cpus_allowed_list:\t0\n");
});

/** The memory policy of the stack, which the program got after it was set. */
const POLICY = "sed -n '/ stack/s/^[0-9a-f]* \\([^ ]*\\).*/\\1/p' /proc/self/numa_maps";

Deno.test("the memory policy is the program's", async () => {
  const seen = (memoryPolicy: NonNullable<Draft["linux"]["memoryPolicy"]>) =>
    inHull(POLICY, (config) => {
      config.linux.memoryPolicy = memoryPolicy;
    });
  assertEquals(await seen({ mode: "MPOL_BIND", nodes: "0" }), "bind:0\n");
  assertEquals(
    await seen({ mode: "MPOL_INTERLEAVE", nodes: "0", flags: ["MPOL_F_STATIC_NODES"] }),
    "interleave=static:0\n",
  );
  assertEquals(await seen({ mode: "MPOL_PREFERRED" }), "local\n");
  assertEquals(await seen({ mode: "MPOL_DEFAULT" }), "default\n");
});

Deno.test("memory nodes that are not there are an error of that field", async () => {
  const error = await refused((config) => {
    config.linux.memoryPolicy = { mode: "MPOL_BIND", nodes: "63" };
  });
  assertStringIncludes(error, "set_mempolicy(MPOL_BIND): EINVAL [step memory]");
  assertStringIncludes(error, "[config /linux/memoryPolicy]; the nodes must be online");
});

testWhere(
  ROOT,
  "umask, groups, personality, oom_score_adj and limits are as with runc",
  async () => {
    const script = `
umask; grep -E '^(Groups|Umask|NoNewPrivs|Cap|Uid|Gid)' /proc/self/status
uname -m; cat /proc/self/personality; cat /proc/self/oom_score_adj
ulimit -n; ulimit -Hn; ionice -p $$`;
    const change = (config: Draft) => {
      config.process.user = { uid: 0, gid: 5, umask: 0o027, additionalGids: [4, 20] };
      config.process.oomScoreAdj = 321;
      config.process.rlimits = [{ type: "RLIMIT_NOFILE", soft: 99, hard: 100 }];
    };
    assertEquals(await inHull(script, change), inRunc(script, change));
    assertEquals(
      await inHull("uname -m", (config) => {
        config.linux.personality = { domain: "LINUX32" };
      }),
      Deno.build.arch === "aarch64" ? "armv8l\n" : "i686\n",
    );
  },
);

/** The rights, owner and group of a container's keyring; others' may not be collected yet. */
const keyringOf = (name: string) => `awk '/${name}/ {print $5, $6, $7, $8}' /proc/keys`;

testWhere(ROOT, "the session keyring has the rights that it has with runc", async () => {
  const change = (config: Draft) => {
    config.linux.maskedPaths = [];
  };
  await compareKeyrings(change, "3f1b0000 0 0 keyring\n");
});

testWhere(ROOT, "in a user namespace the keyring belongs to its root, as with runc", async () => {
  const change = (config: Draft) => {
    config.linux.namespaces?.push({ type: "user" });
    const map = [{ containerID: 0, hostID: 0, size: 1000 }];
    config.linux.uidMappings = map;
    config.linux.gidMappings = map;
    config.linux.maskedPaths = [];
  };
  await compareKeyrings(change, "3f130008 0 0 keyring\n");
});

async function compareKeyrings(change: (config: Draft) => void, rights: string): Promise<void> {
  const [ours, theirs] = [id(), id()];
  assertEquals(await inHull(keyringOf(ours), change, ours), rights);
  assertEquals(inRunc(keyringOf(theirs), change, theirs), rights);
}

Deno.test("with --no-new-keyring there is none", async () => {
  await using hull = new Hull();
  const name = id();
  using bundle = makeBundle(keyringOf(name), (config) => {
    config.linux.maskedPaths = [];
  });
  assertEquals(await hull.must("run", "--no-new-keyring", "-b", bundle.folder, name), "");
});

Deno.test("what can't be granted is a warning, and the container starts", async () => {
  await using hull = new Hull();
  using bundle = makeBundle("grep CapBnd /proc/self/status", (config) => {
    config.process.capabilities = { bounding: ["CAP_KILL", "CAP_FLY"], ambient: ["CAP_KILL"] };
  });
  const { code, stdout, stderr } = await hull.call(["run", "-b", bundle.folder, id()]);
  assertEquals([code, stdout], [0, "CapBnd:\t0000000000000020\n"]);
  assertEquals(stderr.trim().split("\n"), [
    "hull: warning: config /process/capabilities/bounding/1: is not a known capability and is " +
    'left out: "CAP_FLY"',
    "hull: warning: config /process/capabilities/ambient: can only have what is permitted and " +
    "inheritable, and so not CAP_KILL",
  ]);
  const log = `${bundle.folder}/log`;
  const words = ["--log", log, "--log-format", "json", "run", "-b", bundle.folder, id()];
  const quiet = await hull.call(words);
  assertEquals([quiet.code, quiet.stderr], [0, ""]);
  const lines = Deno.readTextFileSync(log).trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.map(({ level, pointer }) => [level, pointer]), [
    ["warning", "/process/capabilities/bounding/1"],
    ["warning", "/process/capabilities/ambient"],
  ]);
});

Deno.test("a program that uses the library hears of warnings, which print nothing", async () => {
  using state = scratchFolder();
  using bundle = makeBundle("true", (config) => {
    config.process.capabilities = { bounding: ["CAP_FLY"] };
  });
  const heard: Fault[] = [];
  const factory = new Factory({ root: state.path, onWarning: (warning) => heard.push(warning) });
  await using _container = await factory.create(id(), bundle.config, { bundle: bundle.folder });
  assertEquals(heard.map(({ pointer }) => pointer), ["/process/capabilities/bounding/0"]);
});

const bounding = BigInt(
  `0x${/CapBnd:\s*(\S+)/.exec(Deno.readTextFileSync("/proc/self/status"))?.[1] ?? "0"}`,
);
const RESOURCE = 24n;

testWhere(
  (bounding >> RESOURCE & 1n) === 1n ? "a host without CAP_SYS_RESOURCE" : ROOT,
  "a capability that hull does not hold is left out with a warning",
  async () => {
    await using hull = new Hull();
    const names = ["CAP_SYS_RESOURCE", "CAP_KILL"];
    using bundle = makeBundle("grep CapEff /proc/self/status", (config) => {
      config.process.capabilities = { bounding: names, permitted: names, effective: names };
    });
    const { code, stdout, stderr } = await hull.call(["run", "-b", bundle.folder, id()]);
    assertEquals([code, stdout], [0, "CapEff:\t0000000000000020\n"]);
    assertStringIncludes(stderr, "hull: warning: config /process/capabilities: can't be granted");
    assertStringIncludes(stderr, "CAP_SYS_RESOURCE");
  },
);

Deno.test("a profile or label of a security module that is off is refused, nothing made", async () => {
  for (const field of ["apparmorProfile", "selinuxLabel"] as const) {
    await using hull = new Hull();
    using bundle = makeBundle("true", (config) => {
      config.process[field] = "hull-nowhere";
    });
    const { code, stderr } = await hull.call(["run", "-b", bundle.folder, id()]);
    assertEquals(code, 1);
    assertStringIncludes(stderr, `/process/${field}`);
    assertEquals([...Deno.readDirSync(hull.root)], []);
  }
});

Deno.test("an exec's profile or label of a security module that is off is refused as well", async () => {
  const { apparmor, selinux } = detectSecurityModules();
  await using hull = new Hull();
  using bundle = makeBundle("sleep 600");
  const name = id();
  await hull.detach("run", "-d", "-b", bundle.folder, name);
  for (
    const [flag, field, module, isOn] of [
      ["--apparmor", "apparmorProfile", "AppArmor", apparmor],
      ["--process-label", "selinuxLabel", "SELinux", selinux],
    ] as const
  ) {
    if (isOn) continue;
    const { code, stderr } = await hull.call(["exec", flag, "hull-nowhere", name, "true"]);
    assertEquals(code, 255);
    assertStringIncludes(stderr, `/process/${field}: needs ${module}, which is not enabled`);
  }
});

testWhere(
  findResctrl() === undefined ? undefined : "a host without a resctrl file system",
  "without resctrl a class of service is refused, and what to mount is said",
  async () => {
    await using hull = new Hull();
    using bundle = makeBundle("true", (config) => {
      config.linux.intelRdt = { schemata: ["L3:0=f"] };
    });
    const said = await hull.refuse("run", "-b", bundle.folder, id());
    assertStringIncludes(
      said,
      "[config /linux/intelRdt]; mount -t resctrl resctrl /sys/fs/resctrl",
    );
    assertEquals([...Deno.readDirSync(hull.root)], []);
  },
);
