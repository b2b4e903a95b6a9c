/**
 * What is left out of the comparison, and the differences that remain, each with its reason.
 *
 * @module
 */

import type { Json, Part } from "./case.ts";
import type { Compared, Difference } from "./compare.ts";
import type { Observation } from "./observe.ts";

/** A fact that is never compared. */
export interface LeftOut {
  readonly fact: RegExp;
  readonly reason: string;
}

/** Facts that are never compared. */
export const LEFT_OUT: readonly LeftOut[] = [
  {
    fact: /^inside place \/hooks$/,
    reason: "it holds the version of the spec; what hooks wrote is compared on the host",
  },
  { fact: /^host \.\/config\.json$/, reason: "the case's own, the same for all" },
  {
    fact: /^inside fd\.[012]$/,
    reason: "runc copies the streams through pipes, hull hands the caller's own on",
  },
];

/** A difference that remains. */
export interface Known {
  readonly name: string;
  readonly reason: string;
  readonly covers: (difference: Difference, seen: Compared) => boolean;
}

/** The differences that remain. */
export const KNOWN: readonly Known[] = [
  {
    name: "refused before",
    reason: "hull says what is wrong with a document before anything is made, runc what the " +
      "kernel says when it gets there",
    covers: ({ fact, reference }, { hull }) =>
      (fact.endsWith(" error") && failed(reference) || fact.startsWith("host ./rootfs/")) &&
      refusedDocument(hull),
  },
  {
    name: "mount inside /proc",
    reason: "hull lets nothing cover parts of /proc but what runc 1.2 lets, by any kind of mount",
    covers: ({ fact }, { hull }) =>
      /^run (code|error)$/.test(fact) && refusedDocument(hull) &&
      /destination: is inside \/proc/.test(hull.words),
  },
  {
    name: "signal 32",
    reason: "Go's runtime leaves the C library's own signal ignored in what runc starts",
    covers: ({ fact, hull, reference }) =>
      fact === "inside status.SigIgn" && reference === hull.replace(/0(?=0{7}$)/, "8"),
  },
  {
    name: "type bind",
    reason: "hull takes the type bind for what it says; runc wants the option bind as well",
    covers: ({ fact }, { parts, reference }) =>
      !fact.startsWith("left ") && /no such device/.test(reference.words) &&
      parts.some((part) => part.kind === "push" && isBindByType(part.value)),
  },
  {
    name: "a device's place",
    reason: "the spec: a file that is not the device at its path is an error; runc lets it be",
    covers: ({ fact }, { hull }) =>
      !fact.startsWith("left ") && /another file stands there/.test(hull.words),
  },
  {
    name: "defaults",
    reason: "hull takes mount(8)'s word defaults for no option; runc 1.1 hands it to the kernel",
    covers: ({ fact }, { reference }) =>
      !fact.startsWith("left ") && /data: \S*\bdefaults/.test(reference.words),
  },
  {
    name: "propagation of the root",
    reason: "runc 1.1 sets it before the root is switched, which makes it private again",
    covers: ({ fact, hull, reference }, { parts }) =>
      fact.startsWith("inside mount ") && sets(parts, "/linux/rootfsPropagation") &&
      withoutGroups(hull) === withoutGroups(reference),
  },
  {
    name: "mode of a tmpfs",
    reason: "hull gives mode and ro as options, runc sets them afterwards; what they are stands " +
      "under the place and in the mount's own options",
    covers: ({ fact, hull, reference }) =>
      fact.startsWith("inside mount ") && / tmpfs /.test(hull) &&
      withoutMode(hull) === withoutMode(reference),
  },
  {
    name: "the null of masks",
    reason: "hull covers files with the host's null, which it has compared; runc with what " +
      "/dev/null of the rootfs is",
    covers: ({ fact, hull, reference }) =>
      fact.startsWith("inside mount ") && hull.startsWith("/null ") && /null /.test(reference),
  },
  {
    name: "own files of the state folder",
    reason: "names that begin with ~ are hull's own: what filters were compiled to",
    covers: ({ fact }) => fact.startsWith("left state ~"),
  },
  {
    name: "/proc masked as a whole",
    reason: "hull needs no /proc after the masks; runc fails",
    covers: ({ fact }, { reference }) =>
      !fact.startsWith("left ") &&
      /error closing exec fds: open \/proc\/self\/fd/.test(reference.words),
  },
  {
    name: "what hooks are told",
    reason: "the spec: a hook without env has none, where runc's createContainer has the " +
      "process's, and a container that poststart hooks see is running",
    covers: ({ fact, hull, reference }, { parts }) =>
      fact === "host ./hooks" && hasBareHook(parts) &&
      withoutVariables(hull) === withoutVariables(reference),
  },
  {
    name: "links of /proc",
    reason: "no magic link is followed to the folder that a process begins in",
    covers: ({ fact, reference }, { hull }) =>
      !fact.startsWith("left ") && /cannot enter \/proc\//.test(hull.words) && reference !== "-1",
  },
  {
    name: "code of a failed exec",
    reason:
      "every exec that fails before the program runs ends with 255; runc 1.1 with 1 if execve failed",
    covers: ({ fact, hull, reference }, seen) =>
      fact === "exec code" && hull === "255" && reference === "1" &&
      /^exec \S+: /m.test(seen.reference.words),
  },
  {
    name: "remount makes nothing",
    reason: "a remount is of what is there; runc makes the place first",
    covers: ({ fact, hull }, { parts, reference }) =>
      (fact.endsWith(" error") || hull === "(nothing)" && fact.startsWith("host ./rootfs/")) &&
      failed(reference.facts.get("run error") ?? "") &&
      parts.some((part) =>
        part.kind === "push" && JSON.stringify(part.value).includes('"remount"')
      ),
  },
  {
    name: "another fault first",
    reason: "both refuse; hull opens sources and checks documents before the first mount is made",
    covers: ({ fact }, { reference, hull }) =>
      fact === "run error" && bothFailed(hull, reference) && namesAnother(hull, reference),
  },
  {
    name: "makes less",
    reason: "where both fail, hull has made fewer folders in the rootfs until then",
    covers: ({ fact, hull: ours }, { reference, hull }) =>
      /^host \.\/(rootfs|host\/work)\//.test(fact) && ours === "(nothing)" &&
      bothFailed(hull, reference),
  },
  {
    name: "relative paths",
    reason: "the spec: they must be absolute; runc takes some as they are",
    covers: ({ fact }, { hull }) =>
      !fact.startsWith("left ") && refusedDocument(hull) &&
      /must be an absolute path/.test(hull.words),
  },
  {
    name: "unreadable users",
    reason: "hull takes a passwd or group that is no readable file as one that is missing",
    covers: ({ fact }, { reference }) =>
      !fact.startsWith("left ") && /unable to find (user|groups)/.test(reference.words),
  },
  {
    name: "mode over the option",
    reason:
      "runc 1.1 gives a tmpfs the mode of the folder below, even where an option says another",
    covers: ({ fact, hull, reference }, { parts }) =>
      fact.startsWith("inside place ") &&
      [...modesIn(parts)].some((mode) =>
        hull.startsWith(`folder ${mode} `) && reference.startsWith("folder ")
      ),
  },
  {
    name: "mode of the cgroup folder",
    reason: "runc 1.1 gives the tmpfs that holds the hierarchies the mode of sysfs's folder, 555",
    covers: ({ fact, hull, reference }) =>
      fact === "inside place /sys/fs/cgroup" && hull.startsWith("folder 755 ") &&
      reference.startsWith("folder 555 "),
  },
  {
    name: "limits of an exec",
    reason: "an exec that says nothing has the container's limits; runc 1.1 gives it the caller's",
    covers: ({ fact }, { parts }) =>
      fact.startsWith("inside limit.") && parts.some(({ kind }) => kind === "exec") &&
      !parts.some((part) => part.kind === "exec" && part.at === "/rlimits"),
  },
  {
    name: "ordinary folders",
    reason: "runc's own words for what hull lets the kernel refuse",
    covers: ({ fact, hull }, { reference }) =>
      fact.endsWith(" error") && /must be mounted on ordinary directory/.test(reference.words) &&
      ["ELOOP", "ENOTDIR"].includes(hull),
  },
  {
    name: "proc and sysfs through links",
    reason: "both refuse; runc makes the folders of the path as written, and says what that met",
    covers: ({ fact, hull: kind }, { hull, reference }) =>
      fact === "run error" && kind === "ELOOP" && bothFailed(hull, reference) &&
      /cannot mount (proc|sysfs) at/.test(hull.words),
  },
  {
    name: "startContainer hooks of a detached run",
    reason: "hull's start hears of their failure; runc's has ended by then",
    covers: ({ fact }, { hull }) =>
      !fact.startsWith("left ") && /the startContainer hook \d+ failed/.test(hull.words),
  },
  {
    name: "another /dev/null",
    reason: "runc opens /dev/null anew inside and fails where a case has made something else of it",
    covers: ({ fact }, { reference }) =>
      !fact.startsWith("left ") && /error reopening \/dev\/null/.test(reference.words),
  },
  {
    name: "oomScoreAdj of an exec",
    reason: "runc 1.1 sets it for the first process alone",
    covers: ({ fact }, { parts }) =>
      fact === "inside oom" &&
      parts.some((part) => part.kind === "exec" && part.at === "/oomScoreAdj"),
  },
  {
    name: "large ids",
    reason: "hull takes every id that the kernel has; runc's stop at 2147483647",
    covers: ({ fact }, { reference }) =>
      !fact.startsWith("left ") && /uids and gids must be in range/.test(reference.words),
  },
];

function bothFailed(hull: Observation, reference: Observation): boolean {
  const code = "run code";
  return hull.facts.get(code) === "1" && reference.facts.get(code) === "1";
}

/** Whether the item of the config that hull names is none that the reference speaks of. */
function namesAnother(hull: Observation, reference: Observation): boolean {
  const [, place] =
    /(?:cannot|: openat2?\(|move_mount\()[^\n]*? (\/[^\s:(]*)[:(]/.exec(hull.words) ?? [];
  return place === undefined || !reference.words.includes(place);
}

/** A mount without what the file system was made with. */
function withoutMode(fact: string): string {
  return fact.replace(/,mode=\d+/, "").replace(/ (tmpfs|shm) r[ow]/, " $1 r");
}

function failed(kind: string): boolean {
  return kind !== "none" && kind !== "" && !kind.startsWith("none:");
}

function refusedDocument({ words }: Observation): boolean {
  return /(config|process) can't be used;/.test(words);
}

function sets(parts: readonly Part[], at: string): boolean {
  return parts.some((part) => part.kind === "set" && part.at === at);
}

function isBindByType(value: Json): boolean {
  const { type, options } = value as {
    readonly type?: string;
    readonly options?: readonly string[];
  };
  return type === "bind" && !(options ?? []).some((word) => word === "bind" || word === "rbind");
}

/** A mount without its groups of propagation. */
function withoutGroups(fact: string): string {
  return fact.replace(/^(\S+ \S+) \S* /, "$1 ");
}

/** Whether a hook has no environment of its own. */
function hasBareHook(parts: readonly Part[]): boolean {
  return parts.some((part) =>
    part.kind === "push" && part.at.startsWith("/hooks/") &&
    !JSON.stringify(part.value).includes('"env"')
  );
}

/** What modes a case's mounts ask for. */
function modesIn(parts: readonly Part[]): Set<string> {
  const options = parts.flatMap((part) =>
    part.kind === "push" && part.at === "/mounts"
      ? (part.value as { readonly options?: readonly string[] }).options ?? []
      : []
  );
  const modes = options.flatMap((option) => /^mode=0*(\d+)$/.exec(option)?.[1] ?? []);
  return new Set([...modes, "755", "1777"]);
}

/** What a hook saw, without its environment, and poststart's status. */
function withoutVariables(fact: string): string {
  const told = fact.replaceAll(/(hook poststart.*?status\\":\\")\w+/g, "$1");
  return told.replaceAll(/(prestart|create\w+|post\w+)\.\d+\\t.*?\\n/g, "");
}
