/**
 * Known differences in what is refused, and in what was made until then.
 *
 * @module
 */

import type { Json, Part } from "./case.ts";
import type { Compared, Difference, Known } from "./difference.ts";
import {
  collapsed,
  execField,
  fieldOf,
  hasUserNamespace,
  mountsOf,
  namesOn,
  touches,
  walked,
  wasThere,
} from "./case_look.ts";
import type { Observation } from "./observe.ts";

/** Where one of them, or both for other reasons, refuse a case. */
export const REFUSALS: readonly Known[] = [
  hullRefuses(
    "mount inside /proc",
    "hull lets nothing cover parts of /proc but what runc 1.2 lets, by any kind of mount",
    /can't be used; \/mounts\/\d+\/destination: is inside \/proc/,
    (parts, words) => collapsed(String(refusedIn(parts, words))).startsWith("/proc/"),
  ),
  hullRefuses(
    "a tmpfs at /proc, below a proc",
    "what is no proc could stand in for the files that labels are written to; runc refuses it from " +
      "1.2 on, whatever covers it later",
    /can't be used; \/mounts\/\d+\/destination: takes only a mount of type proc/,
    (parts, words) => {
      const isProc = ({ destination = "" }) => collapsed(destination) === "/proc";
      const [, index] = /\/mounts\/(\d+)/.exec(words) ?? [];
      const mount = mountsOf(parts)[Number(index)];
      return mount?.type === "tmpfs" && isProc(mount) &&
        mountsOf(parts).findLast(isProc)?.type === "proc";
    },
  ),
  hullRefuses(
    "a place in a read-only cgroup mount",
    "it is read-only as soon as it is made; runc 1.1 leaves its folder writable",
    /mkdirat\(\S+\): EROFS .*\[config \/mounts\/\d+\]/,
    (parts, words) => {
      const [, index] = /\[config \/mounts\/(\d+)\]/.exec(words) ?? [];
      const { destination: place = "" } = mountsOf(parts)[Number(index)] ?? {};
      return mountsOf(parts).slice(0, Number(index)).some(({ type, destination, options }) =>
        type === "cgroup" && options?.includes("ro") === true && destination !== undefined &&
        isBelow(parts, place, destination)
      );
    },
  ),
  hullRefuses(
    "a copy-up that a direct start can't make",
    "asked for by its flag, it says what it can't make in a user namespace; re-executed it runs",
    /a direct start can't mount tmpfs at \S+ \[config/,
    (parts) =>
      hasUserNamespace(parts) &&
      mountsOf(parts).some(({ options }) => options?.includes("tmpcopyup") === true),
  ),
  hullRefuses(
    "a device's place",
    "the spec: a file that is not the device at its path is an error; runc lets it be",
    /another file stands there|an earlier entry has another device|is the device asked for: something else|mknodat\(\S+\): EEXIST .*\[config \/linux\/devices/,
  ),
  hullRefuses(
    "relative paths",
    "the spec: they must be absolute; runc takes some as they are",
    /can't be used; \S+: (must be an absolute path|must not be empty)|\/destination: is required/,
    (parts, words) => !String(refusedIn(parts, words)).startsWith("/"),
  ),
  hullRefuses(
    "links of /proc",
    "no magic link is followed to the folder that a process begins in",
    /cannot (enter \/proc\/(self|\d+)\/|make the working folder: too many)/,
  ),
  hullRefuses(
    "a null that is none",
    "hull covers files with nothing but the null device, and refuses where /dev/null is another",
    /is the null device: something else stands there/,
    (parts) => touches(parts, "dev") || touches(parts, "null"),
  ),
  hullRefuses(
    "bits of a umask",
    "hull refuses a umask beyond 0777, of which the kernel takes what fits",
    /can't be used; \S*umask: must be an integer/,
    (parts, words) => Number(refusedIn(parts, words)) > 0o777,
  ),
  hullRefuses(
    "fields that runc's exec passes over",
    "hull refuses values that no process can have, in process.json as well",
    /can't be used; \S*oomScoreAdj: must be an integer/,
  ),
  hullRefuses(
    "startContainer hooks of a detached run",
    "hull's start hears of their failure; runc's has ended by then",
    /the startContainer hook \d+ failed/,
    (parts) =>
      parts.some(({ kind }) => kind === "exec") &&
      parts.some((part) => part.kind === "push" && part.at === "/hooks/startContainer"),
  ),
  hullRefuses(
    "into /proc by a link",
    "nothing but a proc file system is mounted over a part of one; runc lets a tmpfs",
    /does not lead into a proc file system: something else stands there/,
  ),
  hullRefuses(
    "proc and sysfs below a link",
    "no link leads to them, so that masks are where they are looked for; runc looks at the end alone",
    /cannot mount (proc|sysfs) at .*ELOOP/,
  ),
  hullRefuses(
    "a working folder by way of what is missing",
    "the kernel's answer to the path as it stands; runc takes the .. out of it first",
    /cannot enter \S*\/\.\.\S* with chdir: no such file/,
  ),
  hullRefuses(
    "maps without a user namespace",
    "hull refuses ids that nothing maps, as runc does from 1.2 on",
    /can't be used; \/linux\/[ug]idMappings: needs a user namespace/,
    (parts) => !hasUserNamespace(parts),
  ),
  hullRefuses(
    "limits named twice",
    "the spec: a second limit of one type is an error; runc takes the last",
    /can't be used; \S*rlimits\/\d+: is a second limit of/,
  ),
  runcRefuses(
    "a filter where few fds are allowed",
    "runc patches the filter through a pipe behind the limits; hull loads it as it is",
    /error creating scratch pipe: pipe2: too many open files/,
  ),
  runcRefuses(
    "a read-only tmpfs that its name does not lead to",
    "hull has it open; runc looks for it again by its name, which a later mount hides or the kernel " +
      "reads otherwise",
    /container init: mount \S+, flags(: 0x|=MS_)[\w|]+: (no such file|invalid argument|not a directory)/,
    (parts) =>
      mountsOf(parts).some(({ type, destination = "", options = [] }, k, all) =>
        type === "tmpfs" && options.includes("ro") &&
        (/\/\.\.(\/|$)/.test(destination) ||
          all.slice(k + 1).some((later) => isBelow(parts, destination, later.destination)))
      ),
  ),
  runcRefuses(
    "a private root without pivot_root",
    "hull's mounts are apart from the host's before the root is switched, whichever way",
    /rootfsPropagation of \[r\]private is not safe without pivot_root/,
    (parts) => parts.some((part) => part.kind === "flag" && part.word === "--no-pivot"),
  ),
  runcRefuses(
    "a place that its mount hides",
    "runc looks for the place again by its name; hull has it open",
    /change mount propagation through procfd: open o_path procfd: .*no such file/,
  ),
  runcRefuses(
    "type bind",
    "hull takes the type bind for what it says; runc wants the option bind as well",
    /no such device/,
    (parts) => parts.some((part) => part.kind === "push" && isBindByType(part.value)),
  ),
  runcRefuses(
    "defaults",
    "hull takes mount(8)'s word defaults for no option; runc 1.1 hands it to the kernel",
    /data[:=] ?\S*\bdefaults/i,
  ),
  runcRefuses(
    "/proc masked as a whole",
    "hull needs no /proc after the masks; runc fails",
    /error closing exec fds: open \/proc\/self\/fd|open \/proc\/sys\/kernel\/cap_last_cap: no such/,
    (parts) =>
      !mountsOf(parts).some(({ destination }) => destination === "/proc") ||
      parts.some((part) => part.kind === "push" && /maskedPaths$/.test(part.at)) ||
      touches(parts, "proc") || touches(parts, "to-proc"),
  ),
  runcRefuses(
    "/dev below what is masked",
    "hull needs no /dev after the masks; runc compares the streams with the null there",
    /unable to setup user: stat \/dev\/null: no such file/,
    (parts) => {
      const masked = (fieldOf(parts, "linux", "maskedPaths") ?? []) as readonly string[];
      return masked.some((path) => isBelow(parts, "/dev", path));
    },
  ),
  runcRefuses(
    "unreadable users",
    "hull takes a passwd or group that is no readable file as one that is missing",
    /unable to find (user|groups)/,
    (parts) => touches(parts, "etc"),
  ),
  runcRefuses(
    "another /dev/null",
    "runc opens /dev/null anew inside and fails where a case has made something else of it",
    /error reopening \/dev\/null/,
  ),
  runcRefuses(
    "a link to /proc where none is mounted",
    "it is a folder as any other; hull looks at what lies there, runc at its name",
    /not of type proc|it is inside \/proc/,
    (parts) =>
      parts.some((part) =>
        part.kind === "unset" && part.at === "/mounts/0" ||
        part.kind === "push" && part.at === "/mounts" && part.index === 0
      ),
  ),
  runcRefuses(
    "paths that can't be there",
    "below a file, or at the end of links that never end, nothing is there to be covered",
    /can't (mask path|make \S+ read-only).*(not a directory|too many levels)/,
  ),
  runcRefuses(
    "a /dev that leads nowhere",
    "hull makes what a link to nowhere means, as for every mount; runc does not find it again",
    /rootfs\/dev\S*: no such file/,
    (parts) => parts.some((part) => part.kind === "entry" && part.place === "dev"),
  ),
  runcRefuses(
    "a working folder at a link to nowhere",
    "hull makes what the link means, as for every folder that it makes",
    /mkdir \S+: file exists/,
    (parts) => parts.some((part) => part.kind === "set" && part.at === "/process/cwd"),
  ),
  runcRefuses(
    "large ids",
    "hull takes every id that the kernel has; runc's stop at 2147483647",
    /uids and gids must be in range/,
    (parts) => JSON.stringify(parts).includes("4294967294"),
  ),
  runcRefuses(
    "a read-only path that is unbindable",
    "what is a mount itself is made read-only in its place; runc binds it over itself first",
    /can't make \S+ read-only: .*invalid argument/,
    (parts) =>
      parts.some((part) =>
        part.kind === "push" && /"r?unbindable"/.test(JSON.stringify(part.value))
      ),
  ),
  runcRefuses(
    "devices that are copied up",
    "hull copies the nodes of a devpts; runc changes the owner of what it has not made",
    /tmpcopyup: failed to copy .*lchown \S+: no such file/,
  ),
  runcRefuses(
    "what a later proc covers",
    "no proc is mounted there yet, and the one that will be covers it; runc takes the path for it",
    /error mounting \\?"\w+\\?" to rootfs at \\?"\/to-proc\\?": statfs \w+: no such file/,
    (parts) => parts.some((part) => part.kind === "push" && part.index === 0),
  ),
  runcRefuses(
    "what a remount comes from",
    "a remount has no source and covers nothing: hull looks at neither, runc at both",
    /(stat|statfs) \S+: (no such file|not a directory|too many levels)|because it is not of type proc|it is inside \/proc/,
    remounts,
  ),
  bothRefuse(
    "checked before",
    "hull says what is wrong with a document before anything is made, runc what the kernel says " +
      "when it gets there",
    ({ hull }) => /(config|process) can't be used;/.test(hull.words),
  ),
  bothRefuse(
    "another fault first",
    "both refuse; hull opens sources and checks documents before the first mount is made",
    ({ hull, reference, parts }) => namesAnother(hull, reference, parts),
  ),
  bothRefuse(
    "one item, more than one fault",
    "compared by class: both refuse the same mount, device, path or field, each with what it looks at " +
      "first; but EINVAL of hull's, where runc says what is wrong with a path, is told",
    ({ hull, reference, parts }) => {
      const item = itemOf(hull.words, parts);
      return item !== undefined && item === itemOf(reference.words, parts) &&
        !(/EINVAL/.test(hull.words) && PATH_ERRORS.test(reference.words));
    },
  ),
  bothRefuse(
    "a remount of what does not take it, from nothing",
    "a remount has no source; runc looks for it first",
    ({ hull, reference, parts }) =>
      remounts(parts) && /cannot remount .*EINVAL/.test(hull.words) &&
      /: (stat|statfs) [^/\s]\S*: no such file/.test(reference.words) &&
      itemOf(hull.words, parts) === itemOf(reference.words, parts),
  ),
  bothRefuse(
    "a remount of nothing",
    "a remount is of what is there; runc makes the place first",
    ({ hull, reference, parts }) =>
      remounts(parts) && /cannot (re)?mount .*(ENOENT|fspick.*EINVAL)/.test(hull.words) &&
      /error mounting .*(invalid argument|not a dir|no such file|too many|file exists|not of type|inside \/proc)/
        .test(
          reference.words,
        ),
  ),
  bothRefuse(
    "what can't be mounted, at a part of /proc",
    "two faults of one mount: hull lets the kernel refuse the type, the place or a file on a " +
      "folder; runc looks at the place first",
    ({ hull, reference }) =>
      /fsopen\(\S*\): ENODEV|mkdirat\(\S*\): ENOENT|one is not a directory/.test(hull.words) &&
      /not of type proc|it is inside \/proc/.test(reference.words),
  ),
  bothRefuse(
    "into /proc by a link, with another fault",
    "two faults of one mount: hull looks at where its place leads first",
    ({ hull, reference, parts }) =>
      /does not lead into a proc file system/.test(hull.words) &&
      itemOf(hull.words, parts) === itemOf(reference.words, parts),
  ),
  bothRefuse(
    "a source that can't be opened, with a user namespace",
    "runc opens it in a program of its own, whose last line does not say why",
    ({ hull, reference }) =>
      /cannot open the source/.test(hull.words) &&
      /nsexec-0\S*: failed to open mount source/.test(reference.words),
  ),
  bothRefuse(
    "a program by a magic link",
    "none of /proc is followed; with runc it is runc, which is not there",
    ({ hull, reference }) =>
      /openat2\(\/proc\/self\/exe\): ELOOP/.test(hull.words) &&
      /exec \/proc\/self\/exe: no such file/.test(reference.words),
  ),
  bothRefuse(
    "a device that the host has not, with a user namespace",
    "hull says that there is none to be bound, runc what the kernel says to the bind",
    ({ hull, reference, parts }) =>
      hasUserNamespace(parts) && /c device .*: the host has none/.test(hull.words) &&
      /error creating device nodes: mount .*no such file/.test(reference.words),
  ),
  bothRefuse(
    "a place that a direct start makes not",
    "asked for by its flag, it makes no place in a user namespace that it could not foresee, and " +
      "says so; runc says why it could not make it",
    ({ hull, reference, parts }) =>
      hasUserNamespace(parts) &&
      /openat2\(\S*\): ENOENT .*a direct start makes no/.test(hull.words) &&
      /mkdir \S*: permission denied/.test(reference.words) &&
      itemOf(hull.words, parts) === itemOf(reference.words, parts),
  ),
  bothRefuse(
    "a working folder at links that never end",
    "hull says what the kernel says to the path, runc what it says to making it",
    ({ hull, reference }) =>
      /\): ELOOP .*\[config \/process\/cwd\]/.test(hull.words) &&
      /mkdir \S*: file exists/.test(reference.words),
  ),
  bothRefuse(
    "ordinary folders",
    "runc's own words for what hull lets the kernel refuse",
    ({ hull, reference }) =>
      /must be mounted on ordinary directory/.test(reference.words) &&
      /ELOOP|ENOTDIR/.test(hull.words),
  ),
  bothRefuse(
    "proc and sysfs through links",
    "both refuse; runc makes the folders of the path as written, and says what that met",
    ({ hull }) => /cannot mount (proc|sysfs) at .*ELOOP/.test(hull.words),
  ),
  bothRefuse(
    "a file as a tmpfs's place",
    "two faults of one mount: hull opens the place first, runc reads the options first",
    ({ hull, reference }) =>
      /cannot mount tmpfs at .*ENOTDIR/.test(hull.words) &&
      /data: .*invalid argument/.test(reference.words),
  ),
  bothRefuse(
    "a folder at a device's place",
    "hull lets the kernel refuse the node or the bind, runc opens the place to write",
    ({ hull, reference }) =>
      /cannot (bind the host's|make) \S+.*(move_mount|mknodat|mkdirat)/.test(hull.words) &&
      /(error creating device nodes|reopening \/dev\/null).*: (is a directory|permission denied)/
        .test(reference.words),
  ),
  bothRefuse(
    "what can't be copied up",
    "both fail in the kernel's own file systems, at the files that each of them meets first",
    ({ hull, reference }) =>
      /cannot mount tmpfs at \/((sys|proc|dev)\S*)?: |a direct start can't mount tmpfs/.test(
        hull.words,
      ) &&
      /tmpcopyup: failed to copy/.test(reference.words),
  ),
  {
    name: "what stopped the search",
    reason:
      "hull says what the last folder of PATH answered, as execvp(3); runc that it found nothing",
    covers: ({ fact, hull, reference }) =>
      /^(run|exec) error$/.test(fact) && reference === "not found in PATH" &&
      ["ELOOP", "EACCES"].includes(hull),
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
    name: "what stands at a device's place",
    reason: "hull refuses it; runc opens it to write, and so empties a file of the host",
    covers: ({ fact, reference: theirs }, { hull }) =>
      fact.startsWith("host ./host/") && /^file \d+ \d+:\d+ $/.test(theirs) &&
      /is the device asked for: something else|another file stands there \[step devices\]/
        .test(hull.words),
  },
  {
    name: "hooks after a refusal",
    reason:
      "hull refuses a document before there is a container, a mount before hooks of its making, " +
      "and looks for the program before it starts, so that no hook tells of any of them",
    covers: ({ fact, hull: ours }, { hull, reference }) =>
      fact === "host ./hooks" && ours === NOTHING &&
      /can't be used;|^hull: exec: |does not lead into a proc file system|the resctrl file system is not/m
        .test(hull.words) &&
      bothFailed(hull, reference),
  },
  {
    name: "hooks after a device's refusal",
    reason: "hull refuses what is no null as it makes devices, runc behind the hooks",
    covers: ({ fact, hull: ours }, { hull, reference }) =>
      fact === "host ./hooks" && ours === NOTHING && bothFailed(hull, reference) &&
      /\[step devices\]/.test(hull.words) &&
      /error reopening \/dev\/null|can't mask path|exec: \\?"\S+\\?": stat \S+: no such file/
        .test(reference.words),
  },
  {
    name: "poststart hooks beside a startContainer hook that fails",
    reason: "the spec: the program has not started, so that they don't run; runc's run beside it",
    covers: ({ fact, hull: ours, reference: theirs }, { hull, reference }) =>
      fact === "host ./hooks" && bothFailed(hull, reference) &&
      /the startContainer hook \d+ failed/.test(hull.words) &&
      /error running (\w+ )?hook/.test(reference.words) &&
      withoutPoststart(ours) === ours && withoutPoststart(theirs) === ours,
  },
  {
    name: "startContainer hooks beside a poststart hook that fails",
    reason: "they come first; runc runs both at once, and kills who has not begun",
    covers: ({ fact, reference: theirs }, { hull, reference }) =>
      /^host \.\/(rootfs\/)?hooks$/.test(fact) && theirs === NOTHING &&
      bothFailed(hull, reference) &&
      /the poststart hook \d+ failed/.test(hull.words) &&
      /error running (\w+ )?hook/.test(reference.words),
  },
  {
    name: "a poststart hook that fails",
    reason: "it runs beside the program, which may have printed before it is killed",
    covers: ({ fact }, { hull, reference }) =>
      fact === "run error" && /the poststart hook \d+ failed/.test(hull.words) &&
      /error running (\w+ )?hook/.test(reference.words),
  },
  {
    name: "an overlay's own folder",
    reason: "where both fail, the kernel has made it in the overlay's workdir, which hull got to",
    covers: ({ fact, hull: ours, reference: theirs }, { hull, reference }) =>
      fact === "host ./host/work/work" && ours.startsWith("folder 40000 ") && theirs === NOTHING &&
      bothFailed(hull, reference) && /error mounting \\?"overlay\\?"/.test(reference.words),
  },
  {
    name: "a remount's source in a user namespace",
    reason: "runc opens sources before it makes anything, that of a remount too, which has none",
    covers: ({ fact, hull: ours, reference: theirs }, { parts, hull, reference }) =>
      isMade(fact, parts) && ours.startsWith("folder ") && theirs === NOTHING &&
      bothFailed(hull, reference) && remounts(parts) &&
      /failed to open mount source/.test(reference.words),
  },
  {
    name: "made until then",
    reason: "where both fail, hull has made fewer folders in the rootfs until then",
    covers: ({ fact, hull: ours }, { parts, reference, hull }) =>
      isMade(fact, parts) && ours === NOTHING && bothFailed(hull, reference),
  },
  {
    name: "the working folder",
    reason: "where both fail, hull has made it earlier",
    covers: ({ fact, hull: ours, reference: theirs }, { parts, hull, reference }) =>
      isMade(fact, parts) && ours.startsWith("folder ") && theirs === NOTHING &&
      bothFailed(hull, reference) &&
      parts.some((part) =>
        part.kind === "set" && part.at === "/process/cwd" &&
        namesOn(parts, String(part.value)).has(fact.slice(fact.lastIndexOf("/") + 1))
      ),
  },
];

const NOTHING = "(nothing)";

/** What hooks wrote, without those of poststart. */
function withoutPoststart(fact: string): string {
  const left = fact.replaceAll(/(?<="|\\n)(hook poststart|poststart[. ]).*?\\n/g, "");
  return /^file \S+ \S+ ""$/.test(left) ? NOTHING : left;
}

/** The value of a document of which some words say that it can't be used. */
function refusedIn(parts: readonly Part[], words: string): Json | undefined {
  const [, document, pointer = ""] = /(config|process) can't be used; \/(\S*):/.exec(words) ?? [];
  const [first = "", ...rest] = pointer.split("/");
  if (document === "config") return fieldOf(parts, first, ...rest);
  return rest.reduce<Json | undefined>(
    (here, name) => (here as { readonly [key: string]: Json } | undefined)?.[name],
    execField(parts, `/${first}`),
  );
}

/** Where hull alone refuses, with words of its own. */
export function hullRefuses(
  name: string,
  reason: string,
  words: RegExp,
  wanted: (parts: readonly Part[], words: string) => boolean = () => true,
): Known {
  return {
    name,
    reason,
    covers: (difference, { hull, reference, parts }) =>
      follows(difference, parts, "hull") && words.test(hull.words) && wanted(parts, hull.words) &&
      failedAlone(hull, reference),
  };
}

/**
 * Where the reference alone refuses, with words of its own; or where hull, which does not, meets
 * another fault of the case later.
 */
export function runcRefuses(
  name: string,
  reason: string,
  words: RegExp,
  wanted: (parts: readonly Part[]) => boolean = () => true,
): Known {
  return {
    name,
    reason,
    covers: (difference, { hull, reference, parts }) =>
      follows(difference, parts, "reference") && words.test(reference.words) && wanted(parts) &&
      (failedAlone(reference, hull) || wentFurther(difference, { hull, reference, parts })),
  };
}

/** Where both refuse with other errors, or hull for what the reference would have met later. */
export function bothRefuse(name: string, reason: string, why: (seen: Compared) => boolean): Known {
  return {
    name,
    reason,
    covers: ({ fact }, seen) =>
      /^(run|exec) error$/.test(fact) && hasFailed(seen.hull) && hasFailed(seen.reference) &&
      why(seen),
  };
}

/**
 * What differs where one of them refuses and the other does not: how it ended, what the other alone
 * made in the rootfs or bundle, and what hooks wrote.
 */
function follows(
  difference: Difference,
  parts: readonly Part[],
  refuses: "hull" | "reference",
): boolean {
  const { fact } = difference;
  if (/^((run|exec) (code|error)|delete code|host \.\/hooks)$/.test(fact)) return true;
  return isMade(fact, parts) && difference[refuses] === NOTHING;
}

/**
 * Whether a fact is of something in the bundle that was not there before, or of the folders above a
 * container's cgroup, which both leave.
 */
export function isMade(fact: string, parts: readonly Part[]): boolean {
  if (/^left cgroup \S+\/hull-differential-\w+-\d+(\/deep(\/er)?|\/a\.slice)?$/.test(fact)) {
    return fieldOf(parts, "linux", "cgroupsPath") !== undefined;
  }
  return /^host \.\/(rootfs|host)\//.test(fact) && !wasThere(parts, fact.slice("host ".length));
}

const AFTER_MOUNTS =
  /\[step (devices|pivot|terminal|hostname|sysctl|masks|exec|limits|user|hooks)\]/;

/** Whether hull failed at an item behind the mount at which the reference did. */
function wentFurther({ reference: theirs, fact }: Difference, seen: Compared): boolean {
  const { hull, reference, parts } = seen;
  if (!failedAt("run", hull) || !failedAt("run", reference)) return false;
  if (fact !== "run error" && theirs !== NOTHING) return false;
  const [, place] = /to rootfs at \\?"(.*?)\\?":/.exec(reference.words) ??
    /invalid mount &\{Source:.* Destination:(.*) Device:/.exec(reference.words) ?? [];
  const first = mountsOf(parts).findIndex(({ destination }) => destination === place);
  const [, mount] = /\[config \/mounts\/(\d+)/.exec(hull.words) ?? [];
  if (mount !== undefined) return first >= 0 && Number(mount) > first;
  return first >= 0 && AFTER_MOUNTS.test(hull.words);
}

export function bothFailed(hull: Observation, reference: Observation): boolean {
  return hasFailed(hull) && hasFailed(reference);
}

/** Whether one of them failed before the program ran, at a call at which the other did not. */
function failedAlone(one: Observation, other: Observation): boolean {
  if (failedAt("run", one) || failedAt("run", other)) {
    return failedAt("run", one) && !failedAt("run", other);
  }
  return failedAt("exec", one) && !failedAt("exec", other);
}

function hasFailed(seen: Observation): boolean {
  return failedAt("run", seen) || failedAt("exec", seen);
}

/**
 * Whether a call failed: the probe prints something, or ends with its own code, or a filter's signal
 * ends it.
 */
function failedAt(call: "run" | "exec", { facts }: Observation): boolean {
  const error = facts.get(`${call} error`);
  return error !== undefined && !error.startsWith("none") &&
    !/^(7|1[3-9]\d)$/.test(facts.get(`${call} code`) ?? "");
}

/** Whether the item of the config that hull names is another than the reference's. */
function namesAnother(hull: Observation, reference: Observation, parts: readonly Part[]): boolean {
  const [, place] =
    /(?:cannot|: openat2?\(|move_mount\()[^\n]*? (\/[^\s:(]*)[:(]/.exec(hull.words) ?? [];
  if (place !== undefined && !reference.words.includes(place)) return true;
  const [ours, theirs] = [itemOf(hull.words, parts), itemOf(reference.words, parts)];
  return ours !== undefined && theirs !== undefined && ours !== theirs;
}

/** What of a config some words are about; undefined where they don't tell. */
function itemOf(words: string, parts: readonly Part[]): string | undefined {
  const [, mount] = /\[config \/mounts\/(\d+)/.exec(words) ?? [];
  if (mount !== undefined) return `mount ${mountsOf(parts)[Number(mount)]?.destination}`;
  const [, place] = /to rootfs at \\?"(.*?)\\?":/.exec(words) ?? [];
  if (place !== undefined) return `mount ${place}`;
  const [, refused] = /invalid mount &\{Source:.* Destination:(.*) Device:/.exec(words) ?? [];
  if (refused !== undefined) return `mount ${refused}`;
  return ITEMS.find(([, pattern]) => pattern.test(words))?.[0];
}

const ITEMS: readonly (readonly [item: string, words: RegExp])[] = [
  ["resources", /\[config \/linux\/resources/],
  ["devices", /\[config \/linux\/devices|error creating device nodes/],
  ["covers", /\[config \/linux\/(masked|readonly)Paths|can't (mask path|make \S+ read-only)/],
  ["args", /\[config \/process\/args|process: exec: |^exec \S+: /m],
  ["hooks", /\[config \/hooks|error running (\w+ )?hook/],
  ["fds", /error closing exec fds/],
  ["null", /error reopening \/dev\/null/],
  ["ptmx", /error setting up ptmx/],
  [
    "cwd",
    /\[config \/process\/cwd|error setting cwd|mkdir .*file exists|chdir to cwd|container init: mkdir /,
  ],
  ["users", /\[config \/process\/(user|umask)|unable to (find|setup) (user|groups)/],
  ["limits", /\[config \/process\/rlimits|error setting rlimit/],
  ["names", /\[config \/(host|domain)name|(sethost|setdomain)name: /],
  ["sysctls", /\[config \/linux\/sysctl|open \/proc\/sys\/|write sysctl/],
];

/** Whether a place is at another or below it. */
function isBelow(parts: readonly Part[], place: string, other = "/"): boolean {
  return `${walked(parts, place)}/`.startsWith(`${walked(parts, other)}/`);
}

const PATH_ERRORS =
  /not a directory|is a directory|no such file|file exists|too many (levels|symbolic)|read-only file/;

function remounts(parts: readonly Part[]): boolean {
  return parts.some((part) =>
    part.kind === "push" && JSON.stringify(part.value).includes('"remount"')
  );
}

function isBindByType(value: Json): boolean {
  const { type, options } = value as {
    readonly type?: string;
    readonly options?: readonly string[];
  };
  return type === "bind" && !(options ?? []).some((word) => word === "bind" || word === "rbind");
}
