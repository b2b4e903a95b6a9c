import { assertEquals, assertStringIncludes } from "@std/assert";
import { changed, faultsOf, goodConfig, type Json } from "./faults.ts";

/** A change that makes exactly one fault: where the value is put, the value, what is said and where. */
type Bad = [put: string, value: unknown, says: string, at?: string];
/** A change that is fine. */
type Good = [put: string, value: unknown];

function rules(name: string, bad: readonly Bad[], good: readonly Good[], base = goodConfig): void {
  Deno.test(`${name}: what is refused, and where`, async (t) => {
    for (const [put, value, says, at = put] of bad) {
      await t.step(`${put} = ${JSON.stringify(value)}`, () => {
        const faults = faultsOf(changed(put, value, base()));
        assertEquals(faults.map((fault) => fault.pointer), [at]);
        assertStringIncludes(faults[0]?.message ?? "", says);
      });
    }
  });
  Deno.test(`${name}: what is allowed`, async (t) => {
    for (const [put, value] of good) {
      await t.step(`${put} = ${JSON.stringify(value)}`, () => {
        assertEquals(faultsOf(changed(put, value, base())), []);
      });
    }
  });
}

/** The good config without the namespace of a type. */
function without(type: string, config: Json = goodConfig()): Json {
  const linux = config.linux as { namespaces: { type: string }[] };
  linux.namespaces = linux.namespaces.filter((entry) => entry.type !== type);
  return config;
}

/** The good config with one more namespace. */
function withNamespace(entry: Json, config: Json = goodConfig()): Json {
  (config.linux as { namespaces: Json[] }).namespaces.push(entry);
  return config;
}

const ONE_MAPPING = [{ containerID: 0, hostID: 1000, size: 10 }];

/** The good config with a new user namespace of ten ids. */
function withUserNamespace(): Json {
  const config = withNamespace({ type: "user" });
  changed("/linux/uidMappings", ONE_MAPPING, config);
  return changed("/linux/gidMappings", ONE_MAPPING, config);
}

rules("ociVersion", [
  ["/ociVersion", undefined, "is required"],
  ["/ociVersion", 1, "must be a string"],
  ["/ociVersion", "", "SemVer"],
  ["/ociVersion", "1.0", "SemVer"],
  ["/ociVersion", "v1.0.0", "SemVer"],
  ["/ociVersion", "0.5.0-dev", "from 1.0 to 1.3"],
  ["/ociVersion", "1.4.0", "from 1.0 to 1.3"],
  ["/ociVersion", "2.0.0", "from 1.0 to 1.3"],
], [
  ...["1.0.0", "1.0.0-rc5", "1.0.2-dev", "1.1.0+build", "1.2.1", "1.3.0", "1.3.9"]
    .map((version): Good => ["/ociVersion", version]),
]);

rules("root", [
  ["/root", undefined, "is required"],
  ["/root", "rootfs", "must be an object"],
  ["/root/path", undefined, "is required"],
  ["/root/path", "", "must not be empty"],
  ["/root/readonly", "yes", "true or false"],
], [["/root/path", "/srv/root"], ["/root/readonly", true]]);

rules("hostname, domainname, annotations", [
  ["/hostname", 7, "must be a string"],
  ["/hostname", "x".repeat(65), "at most 64 bytes"],
  ["/domainname", "é".repeat(33), "at most 64 bytes long, not 66"],
  ["/annotations", ["a"], "must be an object"],
  ["/annotations", { "": "a" }, "must have a name", "/annotations/"],
], [["/hostname", "x".repeat(64)], ["/domainname", "lab.test"], ["/annotations", { a: "" }]]);

rules(
  "names without a uts namespace",
  [
    ["/hostname", "web", "needs a uts namespace"],
    ["/domainname", "web", "needs a uts namespace"],
  ],
  [["/hostname", ""]],
  () => without("uts"),
);

rules("process", [
  ["/process", [], "must be an object"],
  ["/process/cwd", undefined, "is required"],
  ["/process/cwd", "", "an absolute path"],
  ["/process/args", undefined, "is required"],
  ["/process/args", [], "at least one entry"],
  ["/process/args", [""], "must not be empty", "/process/args/0"],
  ["/process/args", "sh", "must be an array"],
  ["/process/args", ["sh", 1], "must be a string", "/process/args/1"],
  ["/process/env", ["A=1", "B"], "NAME=value", "/process/env/1"],
  ["/process/env", ["=1"], "NAME=value", "/process/env/0"],
  ["/process/terminal", 1, "true or false"],
  ["/process/user", 0, "must be an object"],
  ["/process/user/uid", -1, "from 0 to 4294967295"],
  ["/process/user/uid", 4294967296, "from 0 to 4294967295"],
  ["/process/user/gid", "0", "must be an integer"],
  ["/process/user/gid", 1.5, "must be an integer"],
  ["/process/user/umask", 0o1000, "from 0 to 511"],
  ["/process/user/additionalGids", [5, -5], "4294967295", "/process/user/additionalGids/1"],
  ["/process/oomScoreAdj", 1001, "from -1000 to 1000"],
  ["/process/noNewPrivileges", "true", "true or false"],
  ["/process/apparmorProfile", {}, "must be a string"],
  ["/process/selinuxLabel", 1, "must be a string"],
  ["/process/capabilities/bounding", "CAP_KILL", "must be an array"],
], [
  ["/process", undefined],
  ["/process/env", ["A=", "B=c=d"]],
  ["/process/user", { uid: 4294967295, gid: 0, umask: 0o777, additionalGids: [], username: "a" }],
  ["/process/oomScoreAdj", -1000],
  ["/process/consoleSize", { height: "ignored without a terminal" }],
]);

rules("console size of a terminal", [
  ["/process/consoleSize", { height: 24 }, "is required", "/process/consoleSize/width"],
  ["/process/consoleSize", { height: 65536, width: 80 }, "65535", "/process/consoleSize/height"],
], [
  ["/process/consoleSize", { height: 24, width: 80 }],
], () => changed("/process/terminal", true));

const rlimit = (soft: unknown, hard: unknown, type = "RLIMIT_NOFILE") => [{ type, soft, hard }];
rules("rlimits", [
  ["/process/rlimits", rlimit(1, 2, "RLIMIT_FOO"), "one of RLIMIT_AS", "/process/rlimits/0/type"],
  ["/process/rlimits", rlimit(3, 2), "must not be above hard: 3 > 2", "/process/rlimits/0/soft"],
  ["/process/rlimits", rlimit(-1, 2), "from 0 to", "/process/rlimits/0/soft"],
  ["/process/rlimits", rlimit(1, 2 ** 53), "JSON rounds", "/process/rlimits/0/hard"],
  ["/process/rlimits", rlimit(1, undefined), "is required", "/process/rlimits/0/hard"],
  ["/process/rlimits", [...rlimit(1, 2), ...rlimit(1, 2)], "second limit", "/process/rlimits/1"],
], [
  ["/process/rlimits", rlimit(0, 0)],
  ["/process/rlimits", JSON.parse('[{"type":"RLIMIT_CORE","soft":0,"hard":18446744073709551615}]')],
  ["/process/rlimits", [...rlimit(1, 2), ...rlimit(1, 2, "RLIMIT_NPROC")]],
]);

rules("scheduling", [
  ["/process/scheduler", {}, "is required", "/process/scheduler/policy"],
  [
    "/process/scheduler",
    { policy: "SCHED_NONE" },
    "one of SCHED_OTHER",
    "/process/scheduler/policy",
  ],
  [
    "/process/scheduler",
    { policy: "SCHED_OTHER", nice: 20 },
    "from -20 to 19",
    "/process/scheduler/nice",
  ],
  [
    "/process/scheduler",
    { policy: "SCHED_OTHER", priority: 1 },
    "SCHED_FIFO and SCHED_RR",
    "/process/scheduler/priority",
  ],
  [
    "/process/scheduler",
    { policy: "SCHED_FIFO", priority: 100 },
    "from 1 to 99",
    "/process/scheduler/priority",
  ],
  [
    "/process/scheduler",
    { policy: "SCHED_BATCH", period: 1 },
    "SCHED_DEADLINE",
    "/process/scheduler/period",
  ],
  ["/process/scheduler", { policy: "SCHED_DEADLINE" }, "above 0", "/process/scheduler/runtime"],
  [
    "/process/scheduler",
    { policy: "SCHED_DEADLINE", runtime: 9, deadline: 8 },
    "below runtime",
    "/process/scheduler/deadline",
  ],
  [
    "/process/scheduler",
    { policy: "SCHED_RR", priority: 1, flags: ["RESET"] },
    "one of SCHED_FLAG",
    "/process/scheduler/flags/0",
  ],
  [
    "/process/ioPriority",
    { class: "BE", priority: 1 },
    "one of IOPRIO",
    "/process/ioPriority/class",
  ],
  [
    "/process/ioPriority",
    { class: "IOPRIO_CLASS_BE", priority: 8 },
    "from 0 to 7",
    "/process/ioPriority/priority",
  ],
  ["/process/execCPUAffinity", { initial: "0-" }, "a list", "/process/execCPUAffinity/initial"],
  ["/process/execCPUAffinity", { final: "3-1" }, "a list", "/process/execCPUAffinity/final"],
], [
  ["/process/scheduler", { policy: "SCHED_OTHER", nice: -20, flags: ["SCHED_FLAG_RESET_ON_FORK"] }],
  ["/process/scheduler", { policy: "SCHED_FIFO", priority: 99 }],
  ["/process/scheduler", { policy: "SCHED_DEADLINE", runtime: 1, deadline: 2, period: 3 }],
  ["/process/ioPriority", { class: "IOPRIO_CLASS_IDLE" }],
  ["/process/execCPUAffinity", { initial: "", final: "0-3, 7" }],
]);

rules("hooks", [
  ["/hooks", [], "must be an object"],
  ["/hooks/prestart", {}, "must be an array"],
  ["/hooks/prestart", [{}], "is required", "/hooks/prestart/0/path"],
  ["/hooks/poststop", [{ path: "bin/x" }], "an absolute path", "/hooks/poststop/0/path"],
  ["/hooks/poststart", [{ path: "/x", timeout: 0 }], "from 1", "/hooks/poststart/0/timeout"],
  ["/hooks/createRuntime", [{ path: "/x", args: [1] }], "string", "/hooks/createRuntime/0/args/0"],
  ["/hooks/createContainer", [{ path: "/x", env: "A" }], "array", "/hooks/createContainer/0/env"],
  ["/hooks/startContainer", ["/x"], "must be an object", "/hooks/startContainer/0"],
], [["/hooks", { prestart: [{ path: "/x", args: ["x"], env: ["A=1"], timeout: 1 }], custom: 1 }]]);

const bind = (extra: Json) => [{ destination: "/d", source: "s", options: ["rbind"], ...extra }];
rules("mounts", [
  ["/mounts", {}, "must be an array"],
  ["/mounts", ["/tmp"], "must be an object", "/mounts/0"],
  ["/mounts", [{ type: "tmpfs" }], "is required", "/mounts/0/destination"],
  ["/mounts", [{ destination: "" }], "must not be empty", "/mounts/0/destination"],
  ["/mounts", [{ destination: "/d", options: "ro" }], "an array", "/mounts/0/options"],
  ["/mounts", bind({ source: undefined }), "path to bind", "/mounts/0/source"],
  ["/mounts", [{ destination: "/d", type: "bind" }], "path to bind", "/mounts/0/source"],
  ["/mounts", bind({ options: ["bind", "size=1k"] }), '"size=1k"', "/mounts/0/options/1"],
  ["/mounts", bind({ options: ["rbind", "idmap"] }), "no user namespace", "/mounts/0"],
  ["/mounts", bind({ uidMappings: ONE_MAPPING }), "is required with", "/mounts/0/gidMappings"],
  ["/mounts", bind({ gidMappings: ONE_MAPPING }), "is required with", "/mounts/0/uidMappings"],
  [
    "/mounts",
    [{ destination: "/d", type: "tmpfs", uidMappings: ONE_MAPPING, gidMappings: ONE_MAPPING }],
    "only bind mounts",
    "/mounts/0",
  ],
  ["/mounts", [{ destination: "/proc", type: "tmpfs" }], "type proc", "/mounts/0/destination"],
  ["/mounts", bind({ destination: "/proc/self/attr" }), "inside /proc", "/mounts/0/destination"],
  ["/mounts", bind({ destination: "/x/..//proc/./1" }), "inside /proc", "/mounts/0/destination"],
], [
  ["/mounts", [{ destination: "/d", type: "tmpfs", options: ["size=1k", "ro", "nosuid"] }]],
  ["/mounts", bind({ options: ["rbind", "rprivate", "rro", "nosuid", "noexec", "rw"] })],
  ["/mounts", bind({ uidMappings: ONE_MAPPING, gidMappings: ONE_MAPPING })],
  ["/mounts", bind({ destination: "/proc" })],
  ["/mounts", bind({ destination: "/proc/cpuinfo" })],
  ["/mounts", bind({ destination: "/process" })],
]);

rules(
  "what needs a mount namespace",
  [
    ["/mounts", bind({}), "needs a mount namespace"],
    ["/linux/maskedPaths", ["/proc/kcore"], "needs a mount namespace"],
    ["/linux/readonlyPaths", ["/proc/sys"], "needs a mount namespace"],
  ],
  [["/linux/maskedPaths", []]],
  () => without("mount"),
);

rules("namespaces", [
  ["/linux/namespaces", {}, "must be an array"],
  ["/linux/namespaces", [{}], "is required", "/linux/namespaces/0/type"],
  ["/linux/namespaces", [{ type: "net" }], "one of pid, network", "/linux/namespaces/0/type"],
  ["/linux/namespaces", [{ type: "pid", path: "x" }], "absolute", "/linux/namespaces/0/path"],
  ["/linux/namespaces", [{ type: "pid" }, { type: "pid" }], "second pid", "/linux/namespaces/1"],
  ["/linux/uidMappings", ONE_MAPPING, "needs a user namespace"],
  ["/linux/gidMappings", ONE_MAPPING, "needs a user namespace"],
  ["/linux/timeOffsets", { boottime: { secs: 1 } }, "needs a time namespace"],
], [
  ["/linux/namespaces", [{ type: "network", path: "/run/netns/a" }]],
  ["/linux/namespaces", []],
]);

rules("the user namespace", [
  ["/linux/uidMappings", undefined, "is required"],
  ["/linux/gidMappings", [], "is required"],
  ["/linux/uidMappings", [{ hostID: 1, size: 1 }], "required", "/linux/uidMappings/0/containerID"],
  [
    "/linux/uidMappings",
    [{ containerID: 0, hostID: 1, size: 0 }],
    "from 1 to",
    "/linux/uidMappings/0/size",
  ],
  [
    "/linux/uidMappings",
    [{ containerID: 0, hostID: 4294967295, size: 2 }],
    "reaches beyond",
    "/linux/uidMappings/0",
  ],
  [
    "/linux/uidMappings",
    [...ONE_MAPPING, { containerID: 9, hostID: 1, size: 1 }],
    "overlaps an earlier mapping by its containerID",
    "/linux/uidMappings/1",
  ],
  [
    "/linux/gidMappings",
    [...ONE_MAPPING, { containerID: 10, hostID: 1009, size: 1 }],
    "overlaps an earlier mapping by its hostID",
    "/linux/gidMappings/1",
  ],
  ["/process/user", { uid: 10 }, "not mapped by linux.uidMappings: 10", "/process/user/uid"],
  ["/process/user", { gid: 10 }, "not mapped by linux.gidMappings: 10", "/process/user/gid"],
  [
    "/process/user",
    { additionalGids: [9, 10] },
    "not mapped by linux.gidMappings",
    "/process/user/additionalGids/1",
  ],
], [
  ["/process/user", { uid: 9, gid: 9, additionalGids: [0] }],
  ["/mounts", bind({ options: ["bind", "idmap"] })],
  ["/linux/sysctl", { "user.max_user_namespaces": "5" }],
  ["/linux/uidMappings", [...ONE_MAPPING, { containerID: 10, hostID: 1010, size: 1 }]],
], withUserNamespace);

rules("time offsets in a new time namespace", [
  ["/linux/timeOffsets", { realtime: { secs: 1 } }, "monotonic", "/linux/timeOffsets/realtime"],
  [
    "/linux/timeOffsets",
    { boottime: { nanosecs: 1e9 } },
    "999999999",
    "/linux/timeOffsets/boottime/nanosecs",
  ],
  [
    "/linux/timeOffsets",
    { monotonic: { secs: "1" } },
    "an integer",
    "/linux/timeOffsets/monotonic/secs",
  ],
], [
  ["/linux/timeOffsets", { monotonic: { secs: -5, nanosecs: 999_999_999 }, boottime: {} }],
], () => withNamespace({ type: "time" }));

rules(
  "time offsets in a joined time namespace",
  [
    ["/linux/timeOffsets", { boottime: { secs: 1 } }, "has its own offsets"],
  ],
  [],
  () => withNamespace({ type: "time", path: "/proc/1/ns/time" }),
);

rules("sysctl", [
  ["/linux/sysctl", { "net.core.somaxconn": 1 }, "a string", "/linux/sysctl/net.core.somaxconn"],
  ["/linux/sysctl", { "kernel.core_pattern": "x" }, "host", "/linux/sysctl/kernel.core_pattern"],
  ["/linux/sysctl", { "vm.swappiness": "1" }, "not namespaced", "/linux/sysctl/vm.swappiness"],
  ["/linux/sysctl", { "kernel.hostname": "x" }, "field hostname", "/linux/sysctl/kernel.hostname"],
  [
    "/linux/sysctl",
    { "user.max_pid_namespaces": "1" },
    "user namespace",
    "/linux/sysctl/user.max_pid_namespaces",
  ],
  [
    "/linux/sysctl",
    { "net/../kernel/panic": "1" },
    "not the name",
    "/linux/sysctl/net~1..~1kernel~1panic",
  ],
  [
    "/linux/sysctl",
    { "net.//.kernel.panic": "1" },
    "not the name",
    "/linux/sysctl/net.~1~1.kernel.panic",
  ],
  ["/linux/sysctl", { "": "1" }, "not the name", "/linux/sysctl/"],
], [
  ["/linux/sysctl", { "net.ipv4.ip_forward": "1", "kernel.shmmax": "1", "fs.mqueue.msg_max": "9" }],
  ["/linux/sysctl", { "net/ipv4/conf/eno2.100/rp_filter": "1", "kernel.domainname": "x" }],
]);

for (
  const [type, name] of [
    ["ipc", "kernel.sem"],
    ["ipc", "fs.mqueue.msg_max"],
    ["network", "net.core.somaxconn"],
    ["uts", "kernel.domainname"],
  ] as const
) {
  rules(
    `sysctl ${name} without its namespace`,
    [
      ["/linux/sysctl", { [name]: "1" }, `needs a ${type} namespace`, `/linux/sysctl/${name}`],
    ],
    [],
    () => without(type),
  );
}

const device = (extra: Json) => [{ type: "c", path: "/dev/x", major: 1, minor: 3, ...extra }];
rules("devices, cgroup path, paths, propagation", [
  ["/linux/devices", device({ type: "x" }), "one of c, b, u, p", "/linux/devices/0/type"],
  ["/linux/devices", device({ path: "dev/x" }), "an absolute path", "/linux/devices/0/path"],
  ["/linux/devices", device({ major: undefined }), "is required", "/linux/devices/0/major"],
  ["/linux/devices", device({ minor: 0x10_0000 }), "from 0 to 1048575", "/linux/devices/0/minor"],
  ["/linux/devices", device({ fileMode: -1 }), "from 0", "/linux/devices/0/fileMode"],
  ["/linux/devices", device({ uid: -1 }), "from 0", "/linux/devices/0/uid"],
  ["/linux/cgroupsPath", "/a/../../b", 'part ".."'],
  ["/linux/cgroupsPath", 1, "must be a string"],
  ["/linux/maskedPaths", ["proc"], "an absolute path", "/linux/maskedPaths/0"],
  ["/linux/readonlyPaths", [""], "an absolute path", "/linux/readonlyPaths/0"],
  ["/linux/rootfsPropagation", "public", "one of shared"],
], [
  ["/linux/devices", device({ fileMode: 0o20666, uid: 0, gid: 5 })],
  ["/linux/devices", [{ type: "p", path: "/dev/fifo" }]],
  ["/linux/cgroupsPath", "system.slice:hull:web"],
  ["/linux/cgroupsPath", "/a..b/c"],
  ["/linux/rootfsPropagation", "rslave"],
  ["/linux/rootfsPropagation", ""],
]);

rules("network devices", [
  ["/linux/netDevices", ["eth0"], "must be an object"],
  ["/linux/netDevices", { "a/b": {} }, "not an interface name", "/linux/netDevices/a~1b"],
  [
    "/linux/netDevices",
    { eth0: { name: "x".repeat(16) } },
    "1 to 15",
    "/linux/netDevices/eth0/name",
  ],
  ["/linux/netDevices", { a: {}, b: { name: "a" } }, "two devices", "/linux/netDevices/b/name"],
], [["/linux/netDevices", { eth0: {}, eth1: { name: "veth%d" }, eth2: { name: "veth%d" } }]]);

rules(
  "network devices without a network namespace",
  [
    ["/linux/netDevices", { eth0: {} }, "needs a network namespace"],
  ],
  [],
  () => without("network"),
);

rules("intelRdt, personality, memoryPolicy", [
  ["/linux/intelRdt/closID", "..", "the name of a folder"],
  ["/linux/intelRdt/closID", "a/b", "the name of a folder"],
  ["/linux/intelRdt/memBwSchema", "L3:0=1", "begins with MB:"],
  ["/linux/intelRdt/schemata", ["L3:0=1", "a\nb"], "newline", "/linux/intelRdt/schemata/1"],
  ["/linux/intelRdt/enableMonitoring", 1, "true or false"],
  ["/linux/personality", {}, "is required", "/linux/personality/domain"],
  ["/linux/personality/domain", "BSD", "one of LINUX, LINUX32"],
  ["/linux/memoryPolicy", {}, "is required", "/linux/memoryPolicy/mode"],
  [
    "/linux/memoryPolicy/mode",
    "MPOL_BIND",
    "at least one memory node",
    "/linux/memoryPolicy/nodes",
  ],
  [
    "/linux/memoryPolicy",
    { mode: "MPOL_LOCAL", nodes: "0" },
    "must be empty",
    "/linux/memoryPolicy/nodes",
  ],
  ["/linux/memoryPolicy", { mode: "MPOL_BIND", nodes: "a" }, "a list", "/linux/memoryPolicy/nodes"],
  [
    "/linux/memoryPolicy",
    { mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_STATIC_NODES", "MPOL_F_RELATIVE_NODES"] },
    "can't have both",
    "/linux/memoryPolicy/flags",
  ],
], [
  ["/linux/intelRdt", { closID: "/", l3CacheSchema: "L3:0=f", memBwSchema: "MB:0=20" }],
  ["/linux/personality/domain", "LINUX32"],
  ["/linux/memoryPolicy", { mode: "MPOL_PREFERRED" }],
  ["/linux/memoryPolicy", { mode: "MPOL_BIND", nodes: "0-1", flags: ["MPOL_F_STATIC_NODES"] }],
]);

const rule = (extra: Json) => ({
  defaultAction: "SCMP_ACT_ALLOW",
  syscalls: [{ names: ["mkdir"], action: "SCMP_ACT_ERRNO", ...extra }],
});
const RULE = "/linux/seccomp/syscalls/0";
rules("seccomp", [
  ["/linux/seccomp", {}, "is required", "/linux/seccomp/defaultAction"],
  ["/linux/seccomp/defaultAction", "ALLOW", "one of SCMP_ACT"],
  ["/linux/seccomp", rule({ names: [] }), "at least one entry", `${RULE}/names`],
  ["/linux/seccomp", rule({ names: [""] }), "must not be empty", `${RULE}/names/0`],
  ["/linux/seccomp", rule({ action: undefined }), "is required", `${RULE}/action`],
  ["/linux/seccomp", rule({ errnoRet: 65536 }), "from 0 to 65535", `${RULE}/errnoRet`],
  [
    "/linux/seccomp",
    rule({ action: "SCMP_ACT_ALLOW", errnoRet: 1 }),
    "not for SCMP_ACT_ALLOW",
    `${RULE}/errnoRet`,
  ],
  [
    "/linux/seccomp",
    rule({ args: [{ index: 6, value: 0, op: "SCMP_CMP_EQ" }] }),
    "from 0 to 5",
    `${RULE}/args/0/index`,
  ],
  [
    "/linux/seccomp",
    rule({ args: [{ index: 0, value: 2 ** 64, op: "SCMP_CMP_EQ" }] }),
    "JSON rounds",
    `${RULE}/args/0/value`,
  ],
  [
    "/linux/seccomp",
    rule({ args: [{ index: 0, value: 1, op: "=" }] }),
    "one of SCMP_CMP",
    `${RULE}/args/0/op`,
  ],
  [
    "/linux/seccomp",
    { defaultAction: "SCMP_ACT_ALLOW", architectures: ["x86"], flags: [] },
    "one of SCMP_ARCH",
    "/linux/seccomp/architectures/0",
  ],
  [
    "/linux/seccomp",
    { defaultAction: "SCMP_ACT_ALLOW", flags: ["TSYNC"] },
    "one of SECCOMP_FILTER",
    "/linux/seccomp/flags/0",
  ],
  [
    "/linux/seccomp",
    rule({ action: "SCMP_ACT_NOTIFY" }),
    "a listener",
    "/linux/seccomp/listenerPath",
  ],
  [
    "/linux/seccomp",
    { defaultAction: "SCMP_ACT_ALLOW", listenerMetadata: "x" },
    "with listenerPath",
    "/linux/seccomp/listenerMetadata",
  ],
], [
  ["/linux/seccomp", { defaultAction: "SCMP_ACT_ERRNO", defaultErrnoRet: 38 }],
  ["/linux/seccomp", rule({ args: [{ index: 5, value: 2 ** 53 - 1, op: "SCMP_CMP_MASKED_EQ" }] })],
  ["/linux/seccomp", { ...rule({ action: "SCMP_ACT_NOTIFY" }), listenerPath: "/run/s" }],
]);
