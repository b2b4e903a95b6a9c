import { ONE_MAPPING, rules, withNamespace, without, withUserNamespace } from "../rules.ts";

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
  ["/mounts", [{ destination: "/d", source: "s", options: ["bind", "idmap"] }]],
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
