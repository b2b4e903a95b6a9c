/**
 * Fields of a process that are seldom written, or written wrongly.
 *
 * @module
 */

import type { Json, Part } from "./case.ts";
import type { Chance } from "./chance.ts";
import type { SetField } from "./grammar_process.ts";
import { ofExec } from "./grammar_process.ts";

const FIELDS: readonly (readonly [field: string, value: Json])[] = [
  ["consoleSize", { height: 10, width: 20 }],
  ["consoleSize", { height: 0, width: 0 }],
  ["consoleSize", {}],
  ["consoleSize", null],
  ["apparmorProfile", ""],
  ["apparmorProfile", "no-such-profile"],
  ["selinuxLabel", ""],
  ["selinuxLabel", "system_u:system_r:x_t:s0"],
  ["scheduler", { policy: "SCHED_BATCH" }],
  ["scheduler", { policy: "SCHED_BATCH", nice: 5 }],
  ["scheduler", { policy: "SCHED_IDLE" }],
  ["scheduler", { policy: "SCHED_OTHER", nice: -5 }],
  ["scheduler", { policy: "SCHED_OTHER", nice: 20 }],
  ["scheduler", { policy: "SCHED_RR", priority: 10 }],
  ["scheduler", { policy: "SCHED_FIFO", priority: 0 }],
  ["scheduler", { policy: "SCHED_OTHER", flags: ["SCHED_FLAG_RESET_ON_FORK"] }],
  ["scheduler", { policy: "SCHED_ODD" }],
  ["scheduler", {}],
  ["ioPriority", { class: "IOPRIO_CLASS_BE", priority: 3 }],
  ["ioPriority", { class: "IOPRIO_CLASS_IDLE", priority: 0 }],
  ["ioPriority", { class: "IOPRIO_CLASS_RT", priority: 7 }],
  ["ioPriority", { class: "IOPRIO_CLASS_BE", priority: 8 }],
  ["ioPriority", { class: "ODD", priority: 1 }],
  ["ioPriority", {}],
  ["execCPUAffinity", { initial: "0" }],
  ["execCPUAffinity", { initial: "0", final: "1" }],
  ["execCPUAffinity", { final: "0-1" }],
  ["execCPUAffinity", { final: "99" }],
  ["execCPUAffinity", { initial: "x" }],
  ["execCPUAffinity", {}],
  ["oomScoreAdj", -1000],
  ["oomScoreAdj", -1001],
  ["oomScoreAdj", null],
  ["noNewPrivileges", null],
  ["commandLine", "x y"],
  ["unknown", { a: 1 }],
  ["user", {}],
  ["user", null],
  ["user", { uid: -1, gid: 0 }],
  ["user", { uid: 1000 }],
  ["user", { username: "web" }],
  ["user", { uid: 1000, gid: 1000, additionalGids: null, umask: 0 }],
  ["user", { uid: 0, gid: 0, additionalGids: Array.from({ length: 200 }, (_, k) => k) }],
  ["env", null],
  ["env", []],
  ["env", ["A=1", "PATH=/bin", "A=2", "B=1", "A=3"]],
  ["env", ["PATH=/usr/bin:/bin", "A\u0000B=1"]],
  ["env", ["PATH=/usr/bin:/bin", 1]],
  ["env", ["HOME=/a", "PATH=/bin", "HOME=/b"]],
  ["env", ["TERM=xterm", "PATH=/bin", "TERM="]],
  ["args", ["/bin/probe", "a\u0000b"]],
  ["args", ["/bin/probe", 1]],
  ["args", ["/bin/probe", ...Array.from({ length: 300 }, (_, k) => `${k}`)]],
  ["cwd", "/data/"],
  ["cwd", "/dev/shm"],
  ["cwd", null],
  ["rlimits", null],
  ["rlimits", [{ type: "RLIMIT_NOFILE", soft: 100 }]],
  ["rlimits", [{ type: "RLIMIT_NOFILE", hard: 100 }]],
  ["rlimits", [{ type: "RLIMIT_NOFILE", soft: -1, hard: -1 }]],
  ["rlimits", [{ type: "rlimit_nofile", soft: 100, hard: 100 }]],
  ["rlimits", [{ type: "RLIMIT_RSS", soft: 1 << 20, hard: 1 << 20 }]],
  ["rlimits", [{ type: "RLIMIT_CORE", soft: 0, hard: 18_446_744_073_709_552_000 }]],
  ["rlimits", [{ type: "RLIMIT_NOFILE", soft: 1_048_577, hard: 2_000_000_000 }]],
  ["capabilities", { bounding: ["CAP_ODD"] }],
  ["capabilities", { bounding: ["cap_chown"], permitted: ["cap_chown"], effective: ["cap_chown"] }],
  ["capabilities", { bounding: ["CHOWN"] }],
  ["capabilities", { effective: ["CAP_CHOWN"] }],
  ["capabilities", { permitted: ["CAP_CHOWN"], effective: ["CAP_CHOWN", "CAP_KILL"] }],
  ["capabilities", { ambient: ["CAP_CHOWN"], permitted: ["CAP_CHOWN"], bounding: ["CAP_CHOWN"] }],
  ["capabilities", { inheritable: ["CAP_CHOWN"], bounding: [] }],
  ["capabilities", { bounding: ["CAP_CHECKPOINT_RESTORE", "CAP_BPF", "CAP_PERFMON"] }],
];

/** A field of a process that is seldom written. */
export function drawOddProcess(chance: Chance, field: SetField): Part {
  const [name, value] = chance.of(FIELDS);
  return field(name, value);
}

/** The same of an exec's process.json, or that a field is missing there. */
export function drawOddExec(chance: Chance): Part {
  if (!chance.oneIn(3)) return drawOddProcess(chance, ofExec);
  return { kind: "execless", at: `/${chance.of(["cwd", "args", "user", "env", "terminal"])}` };
}
