/**
 * Namespaces, names, sysctls, hooks, resources, filters.
 *
 * @module
 */

import type { Json, Part } from "./case.ts";
import type { Chance } from "./chance.ts";

const HOOKS = [
  "prestart",
  "createRuntime",
  "createContainer",
  "startContainer",
  "poststart",
  "poststop",
];

const SYSCTLS: readonly Record<string, string>[] = [
  { "net.ipv4.ip_forward": "1" },
  { "net.ipv4.ip_unprivileged_port_start": "99" },
  { "net/ipv4/ip_forward": "1" },
  { "kernel.msgmax": "4096" },
  { "kernel.shmmax": "1048576" },
  { "fs.mqueue.msg_max": "20" },
  { "kernel.sem": "100 200 300 400" },
  { "kernel.domainname": "d.example" },
  { "kernel.hostname": "other" },
  { "net.ipv4.nothing": "1" },
  { "vm.swappiness": "60" },
  { "net.ipv4.ip_forward": "words" },
  { "": "1" },
];

/** A hook: the probe, which writes down what it sees, or something that fails. */
export function drawHook(chance: Chance, bundle: string): Part {
  const name = chance.of(HOOKS);
  const inside = name === "startContainer";
  const log = inside ? "/hooks" : `${bundle}/hooks`;
  const path = inside ? "/bin/probe" : `${bundle}/probe`;
  const args = ["probe", "hook", name, log];
  const value = chance.of<Json>([
    { path, args },
    { path, args, env: ["A=1", "A=2", "B=é"] },
    { path, args, env: [] },
    { path, args, timeout: 5 },
    { path: `${path}-missing`, args },
    { path, args: ["probe", "hook", name, "/missing/place"] },
    { path: "relative", args },
  ]);
  return { kind: "push", at: `/hooks/${name}`, value };
}

function drawNamespaces(chance: Chance): Part[] {
  const draw = chance.below(8);
  if (draw < 4) {
    const type = ["pid", "network", "ipc", "uts"][draw] as string;
    const rest = ["pid", "network", "ipc", "uts", "mount"].filter((other) => other !== type);
    return [{ kind: "set", at: "/linux/namespaces", value: rest.map((each) => ({ type: each })) }];
  }
  if (draw === 4) return [{ kind: "push", at: "/linux/namespaces", value: { type: "cgroup" } }];
  if (draw === 5) {
    return [{ kind: "push", at: "/linux/namespaces", value: { type: chance.of(["pid", "odd"]) } }];
  }
  const host = 100_000;
  const size = chance.of([65_536, 65_536, 1001, 1]);
  const map = [{ containerID: 0, hostID: host, size }];
  return [
    { kind: "push", at: "/linux/namespaces", value: { type: "user" } },
    { kind: "set", at: "/linux/uidMappings", value: map },
    { kind: "set", at: "/linux/gidMappings", value: map },
    ...(chance.oneIn(2) ? [] : [{ kind: "entry", place: "", shape: owned(host) } as Part]),
  ];
}

const owned = (owner: number) => ({ type: "folder", mode: 0o755, owner }) as const;

function drawResources(chance: Chance): Part {
  return chance.of<Part>([
    { kind: "set", at: "/linux/resources/pids", value: { limit: chance.of([0, -1, 10, 100]) } },
    { kind: "set", at: "/linux/resources/memory", value: { limit: 64 << 20 } },
    { kind: "set", at: "/linux/resources/cpu", value: { shares: 512 } },
    { kind: "set", at: "/linux/resources/cpu", value: { quota: 50_000, period: 100_000 } },
    {
      kind: "push",
      at: "/linux/resources/devices",
      value: { allow: true, type: "c", major: 10, minor: 229, access: "rw" },
    },
    { kind: "set", at: "/linux/resources", value: {} },
  ]);
}

function drawFilter(chance: Chance): Part {
  const action = chance.of(["SCMP_ACT_ERRNO", "SCMP_ACT_ERRNO", "SCMP_ACT_LOG", "SCMP_ACT_ALLOW"]);
  const rule = {
    names: chance.of([["getpriority"], ["getsid", "nothing"], ["ioprio_get"]]),
    action,
    ...(action === "SCMP_ACT_ERRNO" && chance.oneIn(2) ? { errnoRet: 95 } : {}),
  };
  const value: Json = {
    defaultAction: "SCMP_ACT_ALLOW",
    architectures: chance.of([["SCMP_ARCH_X86_64"], ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]]),
    syscalls: [rule],
  };
  return { kind: "set", at: "/linux/seccomp", value };
}

/** Something of the container that is neither a mount nor the process. */
export function drawLinux(chance: Chance): Part[] {
  switch (chance.below(7)) {
    case 0:
    case 1:
      return drawNamespaces(chance);
    case 2: {
      const value = chance.of(["", "other", "é", "x".repeat(64), "x".repeat(65), "a b"]);
      return [{ kind: "set", at: "/hostname", value }];
    }
    case 3:
      return [{ kind: "set", at: "/linux/sysctl", value: chance.of(SYSCTLS) }];
    case 4:
      return [drawResources(chance)];
    case 5:
      return [drawFilter(chance)];
    default:
      return [chance.of<Part>([
        { kind: "set", at: "/linux/cgroupsPath", value: "/hull-differential/case" },
        { kind: "set", at: "/linux/maskedPaths", value: [] },
        { kind: "set", at: "/linux/readonlyPaths", value: [] },
        { kind: "flag", word: "--no-new-keyring" },
      ])];
  }
}
