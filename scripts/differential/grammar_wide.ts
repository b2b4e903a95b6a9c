/**
 * What is seldom written: annotations, versions, personalities, clocks, maps with gaps, attributes of
 * whole trees of mounts, odd devices, odd cgroups.
 *
 * @module
 */

import type { Json, Part } from "./case.ts";
import type { Chance } from "./chance.ts";
import { PLACES } from "./grammar_mounts.ts";

/** Stands in a cgroupsPath for the name that a worker's cgroups have. */
export const OWN_CGROUP = "OWN";

const CGROUPS = [
  "/OWN/case",
  "OWN/case",
  "/OWN/./case",
  "/OWN/a/../case",
  "/OWN//case/",
  "/OWN/a b",
  "/OWN/é",
  "/OWN/a:b",
  "/../../OWN/case",
  "OWN/../OWN/case",
  "/OWN/deep/er/case",
  "/OWN/a.slice/b.scope",
  "/OWN/%41",
  "/OWN/tab\there",
  `/OWN/${"x".repeat(256)}`,
];

const ANNOTATIONS: readonly Json[] = [
  {},
  null,
  { a: "b" },
  { a: "" },
  { "": "x" },
  { "é ☃": "a\nb" },
  { "com.example.key": "v", "org.opencontainers.image.stopSignal": "SIGINT" },
  { "org.systemd.property.TasksMax": "10" },
  { a: 1 },
  { bundle: "other" },
];

const VERSIONS = [
  "1.0.0",
  "1.0.2-dev",
  "1.1.0",
  "1.2.0",
  "1.3.0",
  "2.0.0",
  "1.0",
  "",
  "0.1.0",
  "x",
];

const TREE_OPTIONS = [
  "rro",
  "rrw",
  "rnosuid",
  "rsuid",
  "rnodev",
  "rdev",
  "rnoexec",
  "rexec",
  "rnoatime",
  "ratime",
  "rrelatime",
  "rnorelatime",
  "rstrictatime",
  "rnostrictatime",
  "rnodiratime",
  "rdiratime",
  "rnosymfollow",
  "rsymfollow",
  "nosymfollow",
  "symfollow",
  "ro",
  "nosuid",
  "noatime",
  "rprivate",
  "rslave",
  "shared",
];

function drawTreeBind(chance: Chance, host: string): Part {
  const way = chance.of(["bind", "rbind", "rbind"]);
  const source = `${host}/${chance.of(["folder", "folder/sub", "file", "empty"])}`;
  const value = {
    destination: chance.of(PLACES),
    type: "bind",
    source,
    options: [way, ...chance.some(TREE_OPTIONS, 4)],
  };
  return { kind: "push", at: "/mounts", value };
}

/** Mounts on top of each other, the second of which binds what the first may have made. */
function drawTwoMounts(chance: Chance, host: string): Part[] {
  const place = chance.of(["/data", "/tmp", "/run/x", "/new", "/proc/acpi", "/sys/firmware"]);
  const first: Json = chance.of<Json>([
    { destination: place, type: "tmpfs", source: "tmpfs", options: chance.some(TREE_OPTIONS, 2) },
    { destination: place, type: "bind", source: `${host}/folder`, options: ["rbind", "rro"] },
    {
      destination: place,
      type: "tmpfs",
      source: "tmpfs",
      options: ["tmpcopyup", ...chance.some(["ro", "mode=700", "size=1m", "nosuid"], 2)],
    },
  ]);
  const second: Json = {
    destination: `${place}/${chance.of(["inner", "sub", "file", "a", "deep/er"])}`,
    type: "bind",
    source: `${host}/${chance.of(["file", "folder", "folder/sub"])}`,
    options: ["rbind", ...chance.some(TREE_OPTIONS, 2)],
  };
  const parts: Part[] = [
    { kind: "push", at: "/mounts", value: first },
    { kind: "push", at: "/mounts", value: second },
  ];
  if (chance.oneIn(3)) {
    const at = chance.of(["/linux/maskedPaths", "/linux/readonlyPaths"]);
    const value = chance.of([place, `${place}/inner`, `${place}/sub`]);
    parts.push({ kind: "push", at, value });
  }
  return parts;
}

const map = (containerID: number, hostID: number, size: number): Json => ({
  containerID,
  hostID,
  size,
});

const MAPS: readonly Json[] = [
  [map(0, 100_000, 65_536)],
  [map(0, 100_000, 1), map(1000, 101_000, 1)],
  [map(0, 100_000, 1000), map(2000, 102_000, 10)],
  [map(1, 100_001, 10)],
  [map(0, 100_000, 10), map(5, 200_000, 10)],
  [map(0, 100_000, 0)],
  [map(0, 0, 65_536)],
  [map(65_534, 165_534, 1), map(0, 100_000, 1)],
  [map(0, 100_000, 4_294_967_295)],
  [],
];

function drawMaps(chance: Chance): Part[] {
  const uids = chance.of(MAPS);
  const parts: Part[] = [
    { kind: "push", at: "/linux/namespaces", value: { type: "user" } },
    { kind: "set", at: "/linux/uidMappings", value: uids },
    { kind: "set", at: "/linux/gidMappings", value: chance.oneIn(3) ? chance.of(MAPS) : uids },
  ];
  if (chance.oneIn(2)) {
    parts.push({
      kind: "entry",
      place: "",
      shape: { type: "folder", mode: 0o755, owner: 100_000 },
    });
  }
  return parts;
}

function drawMappedMount(chance: Chance, host: string): Part {
  const ids = chance.of<Json>([
    { uidMappings: [map(0, 1000, 1)], gidMappings: [map(0, 1000, 1)] },
    { uidMappings: [map(0, 200_000, 65_536)], gidMappings: [map(0, 200_000, 65_536)] },
    { uidMappings: [map(0, 1000, 1), map(7, 2000, 1)], gidMappings: [map(0, 1000, 1)] },
    { uidMappings: [map(0, 1000, 1)] },
    {},
  ]);
  const options = [
    chance.of(["bind", "rbind"]),
    ...chance.some(["idmap", "ridmap", "ro", "rro", "nosuid"], 2),
  ];
  const source = `${host}/${chance.of(["folder", "file", "empty"])}`;
  const value = {
    ...{ destination: chance.of(["/data", "/new", "/file"]), type: "bind" },
    ...{ source, options },
    ...(ids as Record<string, Json>),
  };
  return { kind: "push", at: "/mounts", value };
}

function drawClocks(chance: Chance): Part[] {
  const offset = () => ({
    ...chance.of<Record<string, Json>>([{}, { secs: chance.of([0, 1, 86_400, -1, 1_000_000]) }]),
    ...chance.of<Record<string, Json>>([{}, { nanosecs: chance.of([0, 1, 999_999_999, 1e9]) }]),
  });
  const offsets = chance.of<Json>([
    { monotonic: offset(), boottime: offset() },
    { boottime: offset() },
    { monotonic: offset() },
    {},
    { odd: offset() },
  ]);
  const parts: Part[] = [{ kind: "set", at: "/linux/timeOffsets", value: offsets }];
  if (chance.oneIn(6)) return parts;
  return [{ kind: "push", at: "/linux/namespaces", value: { type: "time" } }, ...parts];
}

function drawOddDevice(chance: Chance): Part {
  const value: Json = {
    path: chance.of(["/dev/odd", "/dev/deep/odd", "/data/odd", "/dev/null", "/dev/full"]),
    type: chance.of(["c", "c", "u", "b", "p", "a", ""]),
    ...chance.of<Record<string, Json>>([
      { major: 1, minor: 3 },
      { major: 1, minor: 7 },
      { major: 1 },
      {},
      { major: 0, minor: 0 },
      { major: -1, minor: -1 },
      { major: 4095, minor: 1_048_575 },
    ]),
    ...chance.of<Record<string, Json>>([
      {},
      { fileMode: 0 },
      { fileMode: 0o777 },
      { fileMode: 0o7777 },
      { fileMode: 0o100_644 },
      { fileMode: null },
    ]),
    ...chance.of<Record<string, Json>>([{}, { uid: 0, gid: 0 }, { uid: 65_534, gid: 5 }]),
  };
  return { kind: "push", at: "/linux/devices", value };
}

function drawDeviceRule(chance: Chance): Part {
  const value: Json = {
    allow: chance.of([true, true, false]),
    ...chance.of<Record<string, Json>>([{}, { type: chance.of(["a", "b", "c", "x"]) }]),
    ...chance.of<Record<string, Json>>([{}, { major: chance.of([1, -1, 10]) }]),
    ...chance.of<Record<string, Json>>([{}, { minor: chance.of([3, -1, 7, 229]) }]),
    ...chance.of<Record<string, Json>>([{}, {
      access: chance.of(["r", "rw", "rwm", "m", "", "x"]),
    }]),
  };
  return { kind: "push", at: "/linux/resources/devices", value };
}

const SYSCTLS: readonly Json[] = [
  { "net.ipv4.ip_forward": "" },
  { "net.ipv4.ip_forward": " 1 " },
  { "net.ipv4.ip_forward": "1\n" },
  { "net.ipv4.conf.lo.forwarding": "1" },
  { "net/ipv4/conf/lo/forwarding": "1" },
  { "net.ipv4.ping_group_range": "0 0" },
  { "net.ipv4..ip_forward": "1" },
  { "net.ipv4.ip_forward.": "1" },
  { "net.../kernel.hostname": "x" },
  { "net.ipv4.ip_forward": 1 },
  { "kernel.shm_rmid_forced": "1" },
  { "kernel.msgmax": "-1", "kernel.msgmnb": "5000" },
  { "fs.mqueue.msg_max": "0" },
  { "fs.mqueue": "1" },
  { "kernel.shm": "1" },
  { "net": "1" },
  { "kernel.sem": "1" },
  {},
];

const CALLS = ["getpriority", "ioprio_get", "personality", "getsid"];
const OPS = ["EQ", "NE", "LT", "LE", "GT", "GE", "MASKED_EQ", "ODD"].map((op) => `SCMP_CMP_${op}`);
const ACTIONS = "ERRNO ERRNO ERRNO TRAP KILL KILL_PROCESS KILL_THREAD TRACE LOG ALLOW NOTIFY ODD"
  .split(" ")
  .map((action) => `SCMP_ACT_${action}`);

function drawArguments(chance: Chance): Part {
  const rule = () => {
    const args = chance.some([0, 0, 1, 2, 6], 2).map((index) => ({
      index,
      value: chance.of([0, 1, 2, 0x1_0000_0000, 0xffff_ffff, 2 ** 53 - 1]),
      ...chance.of<Record<string, Json>>([{}, { valueTwo: chance.of([0, 1, 3]) }]),
      op: chance.of(OPS),
    }));
    return {
      names: [chance.of(CALLS), ...chance.some([...CALLS, "no_such_call"], 1)],
      action: chance.of(ACTIONS),
      ...chance.of<Record<string, Json>>([{}, { errnoRet: chance.of([0, 1, 38, 4095, 4096]) }]),
      ...(args.length === 0 ? {} : { args }),
    };
  };
  const value: Json = {
    defaultAction: chance.of(["SCMP_ACT_ALLOW", "SCMP_ACT_ALLOW", "SCMP_ACT_LOG"]),
    ...chance.of<Record<string, Json>>([{}, { defaultErrnoRet: 5 }]),
    ...chance.of<Record<string, Json>>([
      {},
      { architectures: ["SCMP_ARCH_X86_64"] },
      { architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X32", "SCMP_ARCH_ARM"] },
      { architectures: ["SCMP_ARCH_ODD"] },
    ]),
    ...chance.of<Record<string, Json>>([
      {},
      { flags: chance.some(FLAGS, 2) },
    ]),
    syscalls: Array.from({ length: 1 + chance.below(3) }, rule),
  };
  return { kind: "set", at: "/linux/seccomp", value };
}

const FLAGS = [
  "SECCOMP_FILTER_FLAG_TSYNC",
  "SECCOMP_FILTER_FLAG_LOG",
  "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
  "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
  "SECCOMP_FILTER_FLAG_ODD",
];

function drawTimedHook(chance: Chance, bundle: string): Part {
  const name = chance.of(["createRuntime", "createContainer", "poststart", "poststop"]);
  const log = ["probe", "hook", name, `${bundle}/hooks`];
  const path = `${bundle}/probe`;
  const value = chance.of<Json>([
    { path, args: ["probe", "wait"], timeout: 1 },
    { path, args: log, timeout: 0 },
    { path, args: log, timeout: -1 },
    { path, args: log, env: ["PATH=/x", "PATH=/y", "odd", "=z"] },
    { path, args: log, env: null },
    { path, args: [], env: [] },
    { path: "", args: log },
    { args: log },
  ]);
  return { kind: "push", at: `/hooks/${name}`, value };
}

const OTHERS: readonly Part[] = [
  { kind: "set", at: "/linux/personality", value: { domain: "LINUX32" } },
  { kind: "set", at: "/linux/personality", value: { domain: "LINUX" } },
  { kind: "set", at: "/linux/personality", value: { domain: "ODD" } },
  { kind: "set", at: "/linux/personality", value: { domain: "LINUX", flags: [] } },
  {
    kind: "set",
    at: "/linux/personality",
    value: { domain: "LINUX", flags: ["ADDR_NO_RANDOMIZE"] },
  },
  { kind: "set", at: "/linux/intelRdt", value: {} },
  { kind: "set", at: "/linux/intelRdt", value: { closID: "x" } },
  { kind: "set", at: "/linux/intelRdt", value: { l3CacheSchema: "L3:0=f" } },
  { kind: "set", at: "/domainname", value: "d.example" },
  { kind: "set", at: "/domainname", value: "x".repeat(65) },
  { kind: "set", at: "/domainname", value: "" },
  { kind: "set", at: "/linux/mountLabel", value: "" },
  { kind: "set", at: "/linux/mountLabel", value: "system_u:object_r:x_t:s0" },
  { kind: "unset", at: "/linux" },
  { kind: "unset", at: "/root" },
  { kind: "unset", at: "/process" },
  { kind: "unset", at: "/mounts" },
  { kind: "unset", at: "/hostname" },
  { kind: "unset", at: "/linux/namespaces" },
  { kind: "unset", at: "/linux/namespaces/4" },
  { kind: "unset", at: "/linux/resources" },
  { kind: "set", at: "/linux/rootfsPropagation", value: "odd" },
  { kind: "set", at: "/linux/rootfsPropagation", value: "" },
  { kind: "set", at: "/unknown", value: { field: 1 } },
  { kind: "set", at: "/linux/unknown", value: [] },
  { kind: "set", at: "/linux/netDevices", value: {} },
  { kind: "set", at: "/linux/netDevices", value: { none: { name: "x" } } },
];

/** Something that is seldom written. */
export function drawWide(chance: Chance, host: string, bundle: string): Part[] {
  switch (chance.below(16)) {
    case 0:
    case 1:
      return [drawTreeBind(chance, host)];
    case 2:
    case 3:
      return drawTwoMounts(chance, host);
    case 4:
      return drawMaps(chance);
    case 5:
      return [drawMappedMount(chance, host)];
    case 6:
      return drawClocks(chance);
    case 7:
      return [drawOddDevice(chance)];
    case 8:
      return [drawDeviceRule(chance)];
    case 9:
      return [{ kind: "set", at: "/linux/sysctl", value: chance.of(SYSCTLS) }];
    case 10:
    case 11:
      return [drawArguments(chance)];
    case 12:
      return [drawTimedHook(chance, bundle)];
    case 13:
      return [
        chance.oneIn(2)
          ? { kind: "set", at: "/annotations", value: chance.of(ANNOTATIONS) }
          : { kind: "set", at: "/ociVersion", value: chance.of(VERSIONS) },
      ];
    case 14:
      return [{ kind: "set", at: "/linux/cgroupsPath", value: chance.of(CGROUPS) }];
    default:
      return [chance.of(OTHERS)];
  }
}
