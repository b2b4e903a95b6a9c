import { changed } from "../faults.ts";
import { type Good, rules, without } from "../rules.ts";

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
  [
    "/process/rlimits",
    rlimit(2 ** 64, 2),
    "must not be above hard: 18446744073709551615 > 2",
    "/process/rlimits/0/soft",
  ],
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
