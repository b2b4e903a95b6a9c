import type { Json } from "../faults.ts";
import { rules } from "../rules.ts";

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
    { mode: "MPOL_INTERLEAVE", nodes: "," },
    "at least one memory node",
    "/linux/memoryPolicy/nodes",
  ],
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
  ["/linux/seccomp", rule({ errnoRet: 4095 }), "from 0 to 4094", `${RULE}/errnoRet`],
  [
    "/linux/seccomp",
    rule({ action: "SCMP_ACT_TRACE", errnoRet: 65536 }),
    "from 0 to 65535",
    `${RULE}/errnoRet`,
  ],
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
    { ...rule({ action: "SCMP_ACT_NOTIFY" }), listenerPath: "run/s" },
    "an absolute path",
    "/linux/seccomp/listenerPath",
  ],
  [
    "/linux/seccomp",
    { defaultAction: "SCMP_ACT_NOTIFY", listenerPath: "/run/s" },
    "to hand over",
    "/linux/seccomp/defaultAction",
  ],
  [
    "/linux/seccomp",
    { ...rule({ action: "SCMP_ACT_NOTIFY", names: ["mkdir", "write"] }), listenerPath: "/run/s" },
    "can't be SCMP_ACT_NOTIFY for write",
    `${RULE}/action`,
  ],
  [
    "/linux/seccomp",
    {
      defaultAction: "SCMP_ACT_ERRNO",
      listenerPath: "/run/s",
      syscalls: [
        { names: ["mkdir"], action: "SCMP_ACT_NOTIFY" },
        { names: ["write"], action: "SCMP_ACT_ALLOW" },
      ],
    },
    "must allow read",
    "/linux/seccomp/syscalls",
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
  ["/linux/seccomp", {
    defaultAction: "SCMP_ACT_ERRNO",
    listenerPath: "/run/s",
    syscalls: [
      { names: ["close", "execve"], action: "SCMP_ACT_NOTIFY" },
      { names: ["read", "write"], action: "SCMP_ACT_LOG" },
    ],
  }],
]);
