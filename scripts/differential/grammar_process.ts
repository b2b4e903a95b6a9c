/**
 * Who the process is: arguments, environment, user, folder, rights, limits. For the first process
 * and for those of `exec`.
 *
 * @module
 */

import type { Json, Part } from "./case.ts";
import type { Chance } from "./chance.ts";
import { PLACES } from "./grammar_mounts.ts";

/** Sets a field of a process, whichever document it is in. */
export type SetField = (field: string, value: Json) => Part;

/** Fields of the first process. */
export const ofFirst: SetField = (field, value) => ({
  kind: "set",
  at: `/process/${field}`,
  value,
});

/** Fields of an exec's process. */
export const ofExec: SetField = (field, value) => ({ kind: "exec", at: `/${field}`, value });

const PROGRAMS: readonly string[][] = [
  ["probe"],
  ["probe-link"],
  ["/bin/probe", "one", ""],
  ["/usr/bin/probe-link", "é", "a b"],
  ["./bin/probe"],
  ["bin/probe"],
  ["../bin/probe"],
  ["nothing"],
  ["/nothing"],
  ["/bin"],
  ["bin"],
  ["/odd/plain"],
  ["/odd/noexec"],
  ["/odd/script"],
  ["/odd/nointerp"],
  ["/odd/garbage"],
  ["/odd/empty"],
  ["/odd/private/probe"],
  ["/bin/probe/"],
  ["/file/below"],
  ["/loop"],
  ["/dangling"],
  ["/data/../bin/probe"],
  ["/proc/self/exe"],
  ["."],
  [".."],
  ["/"],
  [""],
  [],
  ["/bin/probe", "x".repeat(3000)],
  ["script"],
  ["garbage"],
  ["noexec"],
  ["nointerp"],
  ["a\nb"],
];

const VARIABLES = [
  "A=1",
  "A=2",
  "A=",
  "A",
  "=x",
  "=",
  "",
  "HOME=",
  "HOME=/data",
  "HOME=relative",
  "PATH=/bin",
  "PATH=",
  "PATH=/nothing",
  "PATH=/odd:/bin",
  "PATH=/bin:/odd",
  "PATH=bin",
  "PATH=:/bin",
  "PATH=.",
  "PATH=/bin/",
  "PATH=/file:/loop:/bin",
  "PATH=/odd/private:/bin",
  "TERM=other",
  "B=a=b",
  "E=é ☃",
  "N=a\nb",
  "S= spaced ",
  "LISTEN_FDS=1",
  "_LIBCONTAINER_X=1",
  "NOTIFY_SOCKET=/data/x",
  "X".repeat(200) + "=long",
];

const CAPS = [
  "CAP_CHOWN",
  "CAP_KILL",
  "CAP_SYS_ADMIN",
  "CAP_NET_ADMIN",
  "CAP_SETUID",
  "CAP_DAC_OVERRIDE",
  "CAP_SYS_PTRACE",
  "CAP_MKNOD",
];

const LIMITS = [
  "RLIMIT_CPU",
  "RLIMIT_FSIZE",
  "RLIMIT_DATA",
  "RLIMIT_STACK",
  "RLIMIT_CORE",
  "RLIMIT_NPROC",
  "RLIMIT_NOFILE",
  "RLIMIT_MEMLOCK",
  "RLIMIT_AS",
  "RLIMIT_LOCKS",
  "RLIMIT_SIGPENDING",
  "RLIMIT_MSGQUEUE",
  "RLIMIT_NICE",
  "RLIMIT_RTPRIO",
  "RLIMIT_RTTIME",
  "RLIMIT_NOTHING",
];

function drawEnv(chance: Chance, field: SetField): Part {
  const list = chance.some(VARIABLES, 5);
  if (!chance.oneIn(4)) list.splice(chance.below(list.length + 1), 0, "PATH=/usr/bin:/bin");
  return field("env", list);
}

function drawUser(chance: Chance, field: SetField): Part {
  const uid = chance.of([0, 1, 1000, 65_534, 123_456, 4_294_967_294]);
  const gid = chance.of([0, 4, 1000, 65_534]);
  return field("user", {
    uid,
    gid,
    ...chance.of<Record<string, Json>>([
      {},
      { additionalGids: chance.some([0, 4, 4, 1000, 20, 99_999], 4) },
    ]),
    ...chance.of<Record<string, Json>>([{}, { umask: chance.of([0, 0o22, 0o27, 0o777, 0o1777]) }]),
  });
}

function drawCapabilities(chance: Chance, field: SetField): Part {
  if (chance.oneIn(5)) return field("capabilities", chance.of<Json>([{}, null]));
  const set = () => [...new Set(chance.some(CAPS, 4))];
  const permitted = set();
  return field("capabilities", {
    bounding: [...new Set([...permitted, ...set()])],
    permitted,
    effective: chance.oneIn(3) ? [] : permitted,
    ...chance.of<Record<string, Json>>([{}, { inheritable: permitted, ambient: permitted }, {
      inheritable: permitted,
    }]),
  });
}

function drawLimits(chance: Chance, field: SetField): Part {
  const limits = chance.some(LIMITS, 3).map((type) => {
    const hard = chance.of([0, 64, 1024, 65_536, 1 << 30, 18_446_744_073_709_552_000]);
    // below these nothing starts, with any runtime
    const least = type === "RLIMIT_NOFILE" ? 16 : /AS|DATA|STACK|FSIZE/.test(type) ? 1 << 30 : 1;
    const most = type === "RLIMIT_NOFILE" ? 65_536 : Number.MAX_VALUE;
    const fit = Math.min(Math.max(hard, least), most);
    // runc's own threads take more address space, or it ends at random
    if (type === "RLIMIT_AS") return { type, hard: fit, soft: fit };
    // between 2^53 and no limit JavaScript writes other numbers than it has
    const half = fit > 2 ** 53 ? 2 ** 52 : Math.ceil(fit / 2);
    return { type, hard: fit, soft: chance.oneIn(12) ? fit + 1 : half };
  });
  return field("rlimits", limits);
}

function drawFolder(chance: Chance, field: SetField): Part {
  const odd = ["", "relative", "/odd/private", "/bin/probe", "/proc/self/cwd", "/proc/1/root"];
  return field("cwd", chance.of([...PLACES, ...odd, "/missing/folder", "/home/web"]));
}

function drawFlag(chance: Chance, field: SetField): Part {
  switch (chance.below(4)) {
    case 0:
      return field("noNewPrivileges", false);
    case 1:
      return field("oomScoreAdj", chance.of([0, 100, 1000, 1001]));
    case 2:
      return field("capabilities/ambient", ["CAP_KILL"]);
    default:
      return field("noNewPrivileges", true);
  }
}

/** Something of the process. */
export function drawProcess(chance: Chance, field: SetField): Part {
  switch (chance.below(9)) {
    case 0:
    case 1:
      return field("args", chance.of(PROGRAMS));
    case 2:
    case 3:
      return drawEnv(chance, field);
    case 4:
      return drawUser(chance, field);
    case 5:
      return drawFolder(chance, field);
    case 6:
      return drawCapabilities(chance, field);
    case 7:
      return drawLimits(chance, field);
    default:
      return drawFlag(chance, field);
  }
}
