/**
 * Known differences from crun in what hooks are told, in how a call ends, and in what it leaves.
 *
 * @module
 */

import type { Json, Part } from "./case.ts";
import { fieldOf } from "./case_look.ts";
import type { Known } from "./difference.ts";
import { bothFailed, isMade } from "./known_refusals.ts";
import { hasBareHook } from "./known_views.ts";

const NOTHING = "(nothing)";

/** What is seen beside the program, or after it. */
export const CRUN_AFTER: readonly Known[] = [
  {
    name: "crun's own files of the state folder",
    reason: "an empty folder for masks and a cache of filters stay there, for all containers",
    covers: ({ fact, hull }) =>
      /^left state \.(empty-directory|cache)$/.test(fact) && hull === NOTHING,
  },
  {
    name: "a fifo where a folder is needed",
    reason: "hull says so; crun opens it and waits for a writer",
    covers: ({ fact }, { parts, hull, reference }) =>
      /^((run|exec) code|left (state|process) .*)$/.test(fact) && bothFailed(hull, hull) &&
      reference.facts.get("run code") === "-1" && JSON.stringify(parts).includes('"fifo"'),
  },
  {
    name: "a state after a failure",
    reason: "crun leaves it where it fails early, for want of fds",
    covers: ({ fact, hull: ours }, { reference }) =>
      fact.startsWith("left state ") && ours === NOTHING && bothFailed(reference, reference) &&
      /Too many open files/.test(reference.words),
  },
  {
    name: "what stands at a device's place",
    reason: "hull refuses it; crun opens it to write, and so empties a file that is bound there",
    covers: ({ fact, reference: theirs }, { hull }) =>
      fact.startsWith("host ") && /^file \d+ \d+:\d+ ("")?$/.test(theirs) &&
      /is the device asked for: something else/.test(hull.words),
  },
  {
    name: "hull's own files of the state folder",
    reason: "names that begin with ~ are hull's own: what filters were compiled to",
    covers: ({ fact, reference }) => fact === "left state ~seccomp" && reference === NOTHING,
  },
  {
    name: "what hooks are told",
    reason: "the spec: creating in the hooks of creation, created in startContainer, and the " +
      "bundle's path in all; crun says created, starting and there /. A variable that is named " +
      "twice has its last value, as with runc. The rest is compared, but for a variable of crun's own",
    covers: ({ fact, hull, reference }, { parts }) =>
      /^host \.\/(rootfs\/)?hooks$/.test(fact) && hull !== NOTHING && reference !== NOTHING &&
      hooksIn(hull, parts) === hooksIn(reference, parts),
  },
  {
    name: "a poststart hook that fails",
    reason: "it runs beside the program, which may have printed some or all before it is killed",
    covers: ({ fact }, { hull, reference }) =>
      /^(run (code|error)|inside .*)$/s.test(fact) &&
      /the poststart hook \d+ failed/.test(hull.words) &&
      /error executing hook|mknodat/.test(reference.words),
  },
  {
    name: "the folder above a cgroup",
    reason: "it is below the caller's, as the cgroup is, see there",
    covers: ({ fact }, { parts }) => fact.startsWith("left cgroup ") && isMade(tail(fact), parts),
  },
  {
    name: "hooks after a failure",
    reason: "where both fail, who got further has run more; and the spec wants poststop hooks of " +
      "what was made, which crun leaves out",
    covers: ({ fact }, { hull, reference }) =>
      /^host \.\/(rootfs\/)?hooks$/.test(fact) && bothFailed(hull, reference),
  },
  {
    name: "codes of failures",
    reason: "as runc: 1 of a run, 255 of an exec; crun has 255 for hooks and 1 for the rest",
    covers: ({ fact, hull: ours, reference: theirs }, { hull, reference }) =>
      /^(run|exec) code$/.test(fact) && /^(1|255)$/.test(ours) && /^(1|255)$/.test(theirs) &&
      bothFailed(hull, reference),
  },
  {
    name: "an update that both refuse",
    reason: "hull takes back what it wrote before the fault",
    covers: ({ fact }, { hull, reference }) =>
      fact.startsWith("updated ") && hull.facts.get("update code") === "1" &&
      reference.facts.get("update code") === "1",
  },
  {
    name: "a memory limit of 0 in an update",
    reason: "it leaves the limit, as with runc; crun writes it, which the kernel refuses",
    covers: ({ fact }, { reference }) =>
      fact === "update code" &&
      /write to `memory\.limit_in_bytes`: Device or resource busy/.test(reference.words),
  },
  {
    name: "made until then",
    reason: "where both fail, each at the fault that it meets first, who got further has made more",
    covers: ({ fact, hull: ours, reference: theirs }, { parts, hull, reference }) =>
      isMade(fact, parts) && bothFailed(hull, reference) &&
      (ours === NOTHING || theirs === NOTHING),
  },
  {
    name: "an overlay's own folder",
    reason: "the kernel makes it in the overlay's workdir; one of them did not get to that",
    covers: ({ fact, hull: ours, reference: theirs }, { hull, reference }) =>
      fact === "host ./host/work/work" && (ours === NOTHING || theirs === NOTHING) &&
      (bothFailed(hull, hull) || bothFailed(reference, reference)),
  },
  {
    name: "cgroups after a failure",
    reason: "crun leaves those that it made before it failed",
    covers: ({ fact, hull: ours }, { reference }) =>
      fact.startsWith("left cgroup ") && ours === NOTHING && bothFailed(reference, reference),
  },
  {
    name: "mounts without a mount namespace",
    reason:
      "hull's are seen by the container alone, as with runc; crun makes and leaves them on the host",
    covers: ({ fact, hull: ours }, { parts }) =>
      /^(left|inside) mount /.test(fact) && ours === NOTHING && !hasMountNamespace(parts),
  },
  {
    name: "a poststop hook that fails",
    reason: "the spec: the lifecycle goes on; crun's delete ends by a signal, its state stays",
    covers: ({ fact, hull: ours }, { parts, reference }) =>
      fieldOf(parts, "hooks", "poststop") !== undefined &&
      Number(reference.facts.get("delete code")) > 128 &&
      (fact === "delete code" && ours === "0" ||
        fact.startsWith("left state ") && ours === NOTHING),
  },
  {
    name: "swap of 0 in an update",
    reason: "it leaves the limit, as with runc; crun writes it, which the kernel refuses",
    covers: ({ fact, hull: ours }, { parts, reference }) =>
      fact === "update code" && ours === "0" && JSON.stringify(parts).includes('"swap":0') &&
      /write to `memory\.memsw\.limit_in_bytes`: Invalid argument/.test(reference.words),
  },
  {
    name: "an update that is refused",
    reason:
      "hull changes nothing then; crun has written what came before the fault, or passes it over",
    covers: ({ fact, hull: ours }, { hull }) =>
      /can't be used;|not mounted on this host|the maximum of cpu shares|unified names files of/
        .test(hull.words) &&
      (fact === "update code" && ours === "1" ||
        fact.startsWith("updated ") && hull.facts.get("update code") === "1"),
  },
];

/** A fact of a cgroup by its last two names: where its hierarchy is mounted, and its own. */
function tail(fact: string): string {
  return fact.replace(/ (\/sys\/fs\/cgroup\/[^/]+)\/.*(?=\/hull-differential-)/, " $1");
}

function hasMountNamespace(parts: readonly Part[]): boolean {
  const namespaces = (fieldOf(parts, "linux", "namespaces") ?? []) as readonly { type?: string }[];
  return namespaces.some(({ type }) => type === "mount");
}

/**
 * What hooks wrote down, with states and variables in one form. A createContainer hook without an
 * environment has none of crun's, either; nobody says in which folder it is.
 */
function hooksIn(fact: string, parts: readonly Part[]): string {
  const [, text = '""'] = /^file \d+ \d+:\d+ (".*")$/.exec(fact) ?? [];
  const lines = (JSON.parse(text) as string).split("\n");
  return withoutEarlier(lines).flatMap((line) => {
    const [key = "", value = ""] = line.split("\t");
    if (value === "_LIBCONTAINER_CLONED_BINARY=1") return [];
    if (key === "createContainer cwd") return [];
    if (/^createContainer\.\d/.test(key) && hasBareHook(parts, "createContainer")) return [];
    const isHook = key.startsWith("hook ");
    return isHook ? [`${key} ${stateIn(key, value)}`] : [`${key.replace(/\.\d+$/, "")} ${value}`];
  }).join("\n");
}

/** Lines without those of a variable that a later one names again. */
function withoutEarlier(lines: readonly string[]): string[] {
  const variable = (line: string) => /^(\w+)\.\d+\t([^=]+=)/.exec(line)?.slice(1).join(" ");
  return lines.filter((line, k) => {
    const name = variable(line);
    return name === undefined || !lines.slice(k + 1).some((later) => variable(later) === name);
  });
}

/** A state as a hook heard it: what every runtime's has, but for pid and version. */
function stateIn(key: string, text: string): string {
  const json = text.replaceAll(
    /\\x(..)/g,
    (_, digits) => String.fromCharCode(Number.parseInt(digits, 16)),
  );
  const { id, status, bundle, annotations = {} } = JSON.parse(json) as Record<string, Json>;
  const isEarly = ["creating", "created", "starting"].includes(String(status));
  const where = key === "hook startContainer" ? "" : bundle;
  return JSON.stringify([id, isEarly ? "early" : status, where, annotations]);
}
