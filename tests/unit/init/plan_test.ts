import { assert, assertEquals, assertThrows } from "@std/assert";
import { SyscallProgram } from "../../../ffi/program/program.ts";
import { planLaunchUsher } from "../../../init/launch/launch_usher.ts";
import { planLaunch } from "../../../init/launch/launch.ts";
import { formatPlan, listPlan } from "../../../init/listing/listing.ts";
import type { WholePlan } from "../../../init/operations/operation.ts";
import { planInit } from "../../../init/plan.ts";
import { becomeProgram } from "../../../init/steps/process/execute.ts";
import { outliveParent } from "../../../init/steps/process/final.ts";
import type { InitConfig } from "../../../init/operations/init_config.ts";
import { ContainerError } from "../../../src/errors.ts";
import { TableFacts } from "../../fixtures/table_facts.ts";
import { BASE, FACTS, FILTER, LAUNCH, spec, TABLE, V1, V2 } from "../../fixtures/plans.ts";

/** Each golden listing: the config, and what else init is told. */
const GOLDEN: Readonly<Record<string, Partial<InitConfig> & Pick<InitConfig, "config">>> = {
  "spec-v2": { config: spec(), cgroups: V2 },
  "spec-v1": {
    config: spec((config) => {
      config.mounts = config.mounts?.map((mount) =>
        mount.destination === "/sys/fs/cgroup" ? { ...mount, type: "cgroup" } : mount
      );
    }),
    cgroups: V1,
  },
  "user-namespace": {
    config: spec((config) => {
      config.linux.namespaces = [...config.linux.namespaces ?? [], { type: "user" }];
      config.linux.uidMappings = [{ containerID: 0, hostID: 1000, size: 10 }];
      config.linux.gidMappings = [{ containerID: 0, hostID: 1000, size: 10 }];
    }),
  },
  "binds-and-copies": {
    config: spec((config) => {
      config.mounts = [
        { destination: "/data", type: "bind", source: "/data", options: ["rbind", "ro", "rslave"] },
        { destination: "/etc/hosts", type: "bind", source: "/etc/hosts", options: ["bind"] },
        { destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup", "noexec"] },
        { destination: "/data", type: "bind", options: ["remount", "nosuid"] },
      ];
    }),
  },
  "everything-else": {
    config: spec((config) => {
      config.hostname = "host";
      config.domainname = "domain";
      config.process = {
        cwd: "/work/here",
        args: ["program", "argument"],
        env: ["PATH=/bin:/usr/bin"],
        user: { uid: 5, gid: 6, umask: 7, additionalGids: [8, 9] },
        capabilities: { bounding: ["CAP_KILL"], ambient: ["CAP_KILL"], permitted: ["CAP_KILL"] },
        rlimits: [{ type: "RLIMIT_NOFILE", soft: 10, hard: 20 }],
        apparmorProfile: "profile",
        noNewPrivileges: true,
        scheduler: {
          policy: "SCHED_DEADLINE",
          flags: ["SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_RECLAIM"],
          runtime: 10_000_000,
          deadline: 20_000_000,
          period: 30_000_000,
        },
        ioPriority: { class: "IOPRIO_CLASS_BE", priority: 6 },
      };
      config.linux.memoryPolicy = {
        mode: "MPOL_BIND",
        nodes: "0,2-3",
        flags: ["MPOL_F_STATIC_NODES"],
      };
      config.linux.sysctl = { "net.ipv4.ip_forward": "1" };
      config.linux.personality = { domain: "LINUX32" };
      config.linux.devices = [{ path: "/dev/fuse", type: "c", major: 10, minor: 229 }];
      config.linux.rootfsPropagation = "rshared";
      config.linux.namespaces = [{ type: "mount" }, { type: "network", path: "/run/netns/one" }];
    }),
    noPivot: true,
    keyring: "",
    preserveFds: 2,
    fds: { status: 5, control: 6, start: 7 },
  },
  seccomp: { config: spec(), seccomp: FILTER },
  "root-on-tmpfs": { config: spec(), onTmpfs: true },
  "root-of-files": {
    config: spec(),
    onTmpfs: true,
    rootBytes: 65_536,
    rootFiles: [
      { path: "/etc", mode: 0o755 },
      { path: "/tmp", mode: 0o1777 },
      { path: "/lib", target: "usr/lib" },
      { path: "/etc/hostname", mode: 0o644, text: "golden\n" },
      { path: "/etc/ld.so.cache", mode: 0o644, text: "" },
      { path: "/etc/deep", mode: 0o750 },
      { path: "/etc/deep/bytes", mode: 0o600, bytes: "AP8=" },
    ],
  },
  terminal: {
    config: spec((config) => {
      config.process = {
        cwd: "/",
        args: ["/bin/sh"],
        terminal: true,
        consoleSize: { width: 80, height: 25 },
      };
    }),
    fds: { ...BASE.fds, console: { socket: 6, master: 7 } },
  },
};

for (const [name, init] of Object.entries(GOLDEN)) {
  Deno.test(`the plan of ${name} is the golden one`, async () => {
    const plan = planInit({ ...BASE, cgroups: V2, ...init }, FACTS);
    await compareGolden(name, formatPlan(listPlan(plan)));
  });
}

Deno.test("in a user namespace with the host's cgroup namespace the host's v2 tree is bound", () => {
  const shown = (types: readonly ("user" | "cgroup")[]) => {
    const config = spec((draft) => {
      const kept = draft.linux.namespaces?.filter(({ type }) => type !== "cgroup") ?? [];
      draft.linux.namespaces = [...kept, ...types.map((type) => ({ type }))];
    });
    return formatPlan(listPlan(planInit({ ...BASE, cgroups: V2, config }, FACTS)));
  };
  const [bind, mount] = [/openat\w*\(.*"\/?sys\/fs\/cgroup".*source>/, /fsopen\("cgroup2"/];
  for (const types of [["user"], ["user", "cgroup"], []] as const) {
    const isBound = types.length === 1;
    assertEquals([bind, mount].map((what) => what.test(shown(types))), [isBound, !isBound]);
  }
});

Deno.test("the plan of a launcher into a pod is the golden one", async () => {
  const namespaces = [
    { type: "user", path: "/proc/9/ns/user" },
    { type: "pid", path: "/proc/9/ns/pid" },
    { type: "mount" },
    { type: "cgroup" },
    { type: "network", path: "/proc/9/ns/net" },
  ] as const;
  const config = spec((draft) => {
    draft.linux.namespaces = namespaces;
  });
  const plan = planInit({ ...BASE, cgroups: V2, config }, FACTS);
  const launcher = planLaunch(
    { namespaces, cgroups: V2, told: { reader: 8, writer: 9 }, control: 4, proc: 10 },
    plan,
  );
  await compareGolden("launcher", formatPlan(listPlan(launcher.slice(0, 30))));
  assertEquals(launcher.at(-1)?.label, "launched");
  const made = { reader: 11, writer: 12 };
  const usher = planLaunchUsher({
    namespaces,
    cgroups: V2,
    told: { reader: 8, writer: 9 },
    made,
    page: { fd: 13, address: 0x3000_0000n },
    control: 4,
    proc: 10,
  }, plan);
  const end = usher.findLastIndex(({ syscall }) => syscall === "close_range");
  const ends = [...usher.slice(0, 30), ...usher.slice(end)]; // between them is the plan
  await compareGolden("launch-usher", formatPlan(listPlan(ends)));
  // Where it is born nothing is left to be done but to wait and to become the program.
  const born = usher.slice(usher.findIndex(({ label }) => label === "usher.born"));
  assertEquals([...new Set(born.map(({ syscall }) => syscall))], [
    "getpid",
    "prctl",
    "setsid",
    "write",
    "read",
    "exit_group",
    "execve",
  ]);
});

Deno.test("without openat2 every plan is whole: no such call, and every label is there", () => {
  for (const [name, init] of Object.entries(GOLDEN)) {
    const facts = new TableFacts({ ...TABLE, hasOpenat2: false });
    const plan = planInit({ ...BASE, cgroups: V2, ...init }, facts);
    const calls = plan.flatMap((item) => "work" in item ? [] : [item]);
    assert(calls.length > plan.length - 3, name);
    assert(!calls.some(({ syscall }) => syscall === "openat2"), name);
    if (calls.length === plan.length) new SyscallProgram(calls);
  }
});

Deno.test("a launcher refuses what needs JavaScript in the namespaces that it joins", () => {
  const { config } = GOLDEN["binds-and-copies"] as Pick<InitConfig, "config">;
  const plan = planInit({ ...BASE, cgroups: V2, config }, FACTS);
  const error = assertThrows(() => planLaunch(LAUNCH, plan), ContainerError);
  assertEquals([error.code, error.pointer], ["Unsupported", "/mounts/2"]);
});

Deno.test("every label that a plan refers to stands before, a jump leads back only to try again", () => {
  for (const [name, init] of Object.entries(GOLDEN)) {
    const items = listPlan(planInit({ ...BASE, cgroups: V2, ...init }, FACTS));
    const known = new Set<string>();
    items.forEach(({ args, label, onError, onPositive, syscall }, at) => {
      for (const argument of args) {
        const [, reference] = /^<([\w.]+)>$/.exec(argument) ?? [];
        assert(
          reference === undefined || known.has(reference),
          `${name}: ${syscall} of ${argument}`,
        );
      }
      for (const target of [onError, onPositive]) {
        if (target === undefined || ["continue", "return"].includes(target)) continue;
        const to = items.findIndex((item) => item.label === target);
        const triesAgain = syscall === "openat2" && items[to]?.args.join() === args.join();
        assert(to > at || triesAgain, `${name}: jump to ${target}`);
      }
      if (label !== undefined) known.add(label);
    });
  }
});

Deno.test("each further mount and each further mask adds as many operations as the one before", () => {
  const size = (count: number) =>
    planInit({
      ...BASE,
      cgroups: V2,
      config: spec((config) => {
        const names = Array.from({ length: count }, (_, k) => `/tmp/${1000 + k}`);
        const mounts = names.map((name) => ({ destination: name, type: "tmpfs", source: "tmpfs" }));
        config.mounts = [...config.mounts ?? [], ...mounts];
        config.linux.maskedPaths = names.map((name) => `${name}/masked`);
      }),
    }, FACTS).length;
  const [none, some, more] = [size(100), size(200), size(300)];
  assertEquals(more - some, some - none);
  assert(some - none <= 100 * 40, `${(some - none) / 100} operations each`);
});

/** HULL_UPDATE_GOLDEN=1 writes the listings anew, to be read before they are committed. */
async function compareGolden(name: string, text: string): Promise<void> {
  const file = new URL(`golden/${name}.txt`, import.meta.url);
  if (Deno.env.get("HULL_UPDATE_GOLDEN") === "1") await Deno.writeTextFile(file, text);
  assertEquals(text, await Deno.readTextFile(file));
}

Deno.test("what has no end is no whole plan, nor is what goes on behind it", () => {
  const end = becomeProgram("exec", "/x", ["x"], [], { reason: "run it" });
  const whole: WholePlan = [...outliveParent(), end];
  // @ts-expect-error -- nothing would be there to go on with
  const none: WholePlan = [];
  // @ts-expect-error -- its last operation could be got past
  const open: WholePlan = [end, ...outliveParent()];
  assertEquals([whole.length, none.length, open.length], [2, 0, 2]);
});
