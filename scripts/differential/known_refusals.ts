/**
 * Known differences in what is refused, and in what was made until then.
 *
 * @module
 */

import type { Json } from "./case.ts";
import type { Known } from "./compare.ts";
import type { Observation } from "./observe.ts";

/** Where one of them, or both for other reasons, refuse a case. */
export const REFUSALS: readonly Known[] = [
  {
    name: "refused before",
    reason: "hull says what is wrong with a document before anything is made, runc what the " +
      "kernel says when it gets there",
    covers: ({ fact, reference }, { hull }) =>
      (fact.endsWith(" error") && failed(reference) || fact.startsWith("host ./")) &&
      refusedDocument(hull),
  },
  {
    name: "mount inside /proc",
    reason: "hull lets nothing cover parts of /proc but what runc 1.2 lets, by any kind of mount",
    covers: ({ fact }, { hull }) =>
      !fact.startsWith("left ") && refusedDocument(hull) &&
      /destination: is inside \/proc/.test(hull.words),
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
      !fact.startsWith("left ") &&
      /another file stands there|is the device asked for: something else/.test(hull.words),
  },
  {
    name: "defaults",
    reason: "hull takes mount(8)'s word defaults for no option; runc 1.1 hands it to the kernel",
    covers: ({ fact }, { reference }) =>
      !fact.startsWith("left ") && /data: \S*\bdefaults/.test(reference.words),
  },
  {
    name: "/proc masked as a whole",
    reason: "hull needs no /proc after the masks; runc fails",
    covers: ({ fact }, { reference }) =>
      !fact.startsWith("left ") &&
      /error closing exec fds: open \/proc\/self\/fd/.test(reference.words),
  },
  {
    name: "links of /proc",
    reason: "no magic link is followed to the folder that a process begins in",
    covers: ({ fact, reference }, { hull }) =>
      !fact.startsWith("left ") &&
      /cannot (enter \/proc\/|make the working folder: too many)/.test(hull.words) &&
      reference !== "-1",
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
      /^host \.\/(rootfs|host)\//.test(fact) && ours === "(nothing)" &&
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
    name: "a null that is none",
    reason:
      "hull covers files with nothing but the null device, and refuses where /dev/null is another",
    covers: ({ fact }, { hull }) =>
      !fact.startsWith("left ") &&
      /is the null device: something else stands there/.test(hull.words),
  },
  {
    name: "bits of a umask",
    reason: "hull refuses a umask beyond 0777, of which the kernel takes what fits",
    covers: ({ fact }, { hull }) =>
      !fact.startsWith("left ") && refusedDocument(hull) &&
      /umask: must be an integer/.test(hull.words),
  },
  {
    name: "what stopped the search",
    reason:
      "hull says what the last folder of PATH answered, as execvp(3); runc that it found nothing",
    covers: ({ fact, hull, reference }) =>
      fact.endsWith(" error") && reference === "not found in PATH" &&
      ["ELOOP", "EACCES"].includes(hull),
  },
  {
    name: "a link to /proc where none is mounted",
    reason: "it is a folder as any other; hull looks at what lies there, runc at its name",
    covers: ({ fact }, { parts, reference }) =>
      !fact.startsWith("left ") && /not of type proc|it is inside \/proc/.test(reference.words) &&
      (parts.some((part) => part.kind === "unset" && part.at === "/mounts/0") ||
        parts.some((part) => part.kind === "push" && part.at === "/mounts" && part.index === 0)),
  },
  {
    name: "the working folder",
    reason: "where both fail, hull has made it earlier",
    covers: ({ fact, reference: theirs }, { parts, hull, reference }) =>
      fact.startsWith("host ./rootfs/") && theirs === "(nothing)" && bothFailed(hull, reference) &&
      parts.some((part) => part.kind === "set" && part.at === "/process/cwd"),
  },
  {
    name: "paths that can't be there",
    reason: "below a file, or at the end of links that never end, nothing is there to be covered",
    covers: ({ fact }, { reference }) =>
      !fact.startsWith("left ") &&
      /can't (mask path|make \S+ read-only).*(not a directory|too many levels)/.test(
        reference.words,
      ),
  },
  {
    name: "a /dev that leads nowhere",
    reason:
      "hull makes what a link to nowhere means, as for every mount; runc does not find it again",
    covers: ({ fact }, { parts, reference }) =>
      !fact.startsWith("left ") && /rootfs\/dev\S*: no such file/.test(reference.words) &&
      parts.some((part) => part.kind === "entry" && part.place === "dev"),
  },
  {
    name: "into /proc by a link",
    reason: "nothing but a proc file system is mounted over a part of one; runc lets a tmpfs",
    covers: ({ fact }, { hull }) =>
      !fact.startsWith("left ") &&
      /does not lead into a proc file system: something else stands there/.test(hull.words),
  },
  {
    name: "a working folder at a link to nowhere",
    reason: "hull makes what the link means, as for every folder that it makes",
    covers: ({ fact }, { reference, parts }) =>
      !fact.startsWith("left ") && /mkdir \S+: file exists/.test(reference.words) &&
      parts.some((part) => part.kind === "set" && part.at === "/process/cwd"),
  },
  {
    name: "fields that runc's exec passes over",
    reason: "hull refuses values that no process can have, in process.json as well",
    covers: ({ fact }, { hull }) =>
      /^exec (code|error)$/.test(fact) && refusedDocument(hull) &&
      /oomScoreAdj: must be an integer/.test(hull.words),
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

function failed(kind: string): boolean {
  return kind !== "none" && kind !== "" && !kind.startsWith("none:");
}

function refusedDocument({ words }: Observation): boolean {
  return /(config|process) can't be used;/.test(words);
}

function isBindByType(value: Json): boolean {
  const { type, options } = value as {
    readonly type?: string;
    readonly options?: readonly string[];
  };
  return type === "bind" && !(options ?? []).some((word) => word === "bind" || word === "rbind");
}
