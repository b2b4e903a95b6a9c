/**
 * Known differences from crun in what a program inside sees, and in its cgroups.
 *
 * @module
 */

import type { Part } from "./case.ts";
import { covers, execField, fieldOf, mountsOf, rootfsOf, walked } from "./case_look.ts";
import type { Known } from "./difference.ts";
import { isReadonly } from "./known_read_only.ts";
import { isMade } from "./known_refusals.ts";
import { lacksEnvironment } from "./known_newer.ts";
import { limitsOf } from "./known_views.ts";

const NOTHING = "(nothing)";

/** Where crun runs a case as well and something shows otherwise. */
export const CRUN_VIEWS: readonly Known[] = [
  {
    name: "signals 32 and 33",
    reason: "crun ignores the C library's own signals, and so does what it starts",
    covers: ({ fact, hull, reference }) =>
      fact === "inside status.SigIgn" && withSignals(hull) === reference,
  },
  {
    name: "the cgroup of a hierarchy in which the caller has one of its own",
    reason: "below it, as with runc: limits of the caller count; crun begins at each root",
    covers: ({ fact, hull, reference }) => {
      const isPath = /^((cgroup|updated) path \S+|inside cgroup( \(\d+\))?)$/.test(fact);
      const isMount = fact.startsWith("inside mount ") && / cgroup cgroup /.test(hull);
      const at = hull.indexOf("/");
      const [ours, theirs] = [hull.slice(at), reference.slice(at)];
      return (isPath || isMount) && hull.slice(0, at) === reference.slice(0, at) &&
        ours.endsWith(theirs);
    },
  },
  {
    name: "/dev/core",
    reason: "no link of the spec's; crun makes it also where the kernel has no /proc/kcore",
    covers: ({ fact, hull, reference }) =>
      /^(inside (also )?place |host \.\/rootfs)\/dev\/core$/.test(fact) && hull === NOTHING &&
      /^link (.* )?to \/proc\/kcore$/.test(reference),
  },
  {
    name: "what covers a masked folder",
    reason:
      "empty and read-only in both: hull's is a tmpfs, as runc's, crun's is shared by all of " +
      "its containers",
    covers: ({ fact, hull, reference }, { parts }) =>
      isMasked(fact, parts) &&
      (/^folder 1777 \S+ fs=1021994 flags=1021 -/.test(hull) &&
          /^folder 555 \S+ fs=1021994 flags=1021 -/.test(reference) ||
        /^\/ ro,relatime \S* tmpfs tmpfs ro/.test(hull) &&
          /^\/(root\/\.empty-directory)? ro,/.test(reference)),
  },
  {
    name: "what covers a masked file",
    reason: "the null device in both; crun's is read-only, where a device is written to anyway",
    covers: ({ fact, hull, reference }, { parts }) =>
      isMasked(fact, parts) &&
      (/^char 666 \S+ fs=\S+ flags=\S+ w- 1:3 open=yes$/.test(hull) &&
          withoutFlags(hull) === withoutFlags(reference) ||
        hull.startsWith("/null ") && reference.startsWith("/null ro,")),
  },
  {
    name: "a masked /dev/null",
    reason: "it shows what it did; hull does not cover it with itself",
    covers: ({ fact, hull }, { parts }) =>
      fact === "inside mount /dev/null" && hull === NOTHING &&
      covers(parts, "maskedPaths", ["/dev/null"]),
  },
  {
    name: "mounts below a read-only path",
    reason:
      "what is read-only there stays so; crun lays a copy over the path in which mounts can be " +
      "written to, even /proc/sys",
    covers: ({ fact, hull, reference }, { parts }) =>
      isBelowReadonly(fact, parts) &&
      (isReadonly(hull) && !isReadonly(reference) ||
        /^\S+ ro,/.test(hull) && /^\S+ rw,/.test(reference)),
  },
  {
    name: "the rootfs of a state",
    reason: "absolute, as runc's; crun has what the config says",
    covers: ({ fact, hull, reference }, { parts }) =>
      fact === "state rootfs" && hull.endsWith('/rootfs"') &&
      reference === JSON.stringify(fieldOf(parts, "root", "path")),
  },
  {
    name: "crun's own word of a state",
    reason: "no word of the spec's",
    covers: ({ fact, hull }) => fact === "state systemd-scope" && hull === NOTHING,
  },
  {
    name: "devices where the config has no rules",
    reason: "hull denies all but the spec's default devices, as runc; crun allows all",
    covers: ({ fact, reference }, { parts }) =>
      /^(cgroup|updated) devices\.list$/.test(fact) && reference === "a *:* rwm" &&
      fieldOf(parts, "linux", "resources", "devices") === undefined,
  },
  {
    name: "/dev/console's rule",
    reason: "what lies there is a terminal's slave, which other rules allow, as with runc",
    covers: ({ fact, hull, reference }) =>
      /^(cgroup|updated) devices\.list$/.test(fact) &&
      reference.split(" | ").filter((rule) => rule !== "c 5:1 rwm").join(" | ") === hull,
  },
  {
    name: "limits of the kernel's own memory",
    reason: "the spec recommends them not; hull and runc ignore them, and say so",
    covers: ({ fact }, { parts }) =>
      /^(cgroup|updated) memory\.kmem\.tcp\.limit_in_bytes$/.test(fact) &&
      JSON.stringify(parts).includes('"kernelTCP"'),
  },
  {
    name: "limits of an exec",
    reason: "an exec that says nothing has the container's; crun gives it the caller's",
    covers: ({ fact, hull }, { parts }) =>
      parts.some(({ kind }) => kind === "exec") &&
      (execField(parts, "/rlimits") ?? null) === null &&
      limitsOf(parts).some(([name, limit]) => fact === `inside limit.${name}` && hull === limit),
  },
  {
    name: "SIGCHLD beside a hook with a timeout",
    reason: "what hooks need is no matter of the program's; crun leaves it blocked",
    covers: ({ fact, hull, reference }, { parts }) =>
      fact === "inside status.SigBlk" && /^0+$/.test(hull) && /^0+10000$/.test(reference) &&
      JSON.stringify(fieldOf(parts, "hooks", "startContainer") ?? "").includes('"timeout"'),
  },
  {
    name: "the umask of a user that is null",
    reason: "0022, as where a user names none; crun leaves none",
    covers: ({ fact, hull }, { parts }) =>
      /^inside (umask|status\.Umask)$/.test(fact) && Number.parseInt(hull, 8) === 0o22 &&
      (fieldOf(parts, "process", "user") ?? null) === null,
  },
  {
    name: "oomScoreAdj of an exec",
    reason: "as it says; crun sets it for the first process alone",
    covers: ({ fact, hull }, { parts }) =>
      fact === "inside oom" && hull === String(execField(parts, "/oomScoreAdj")),
  },
  {
    name: "an exec without an environment",
    reason:
      "it has what it names, and a HOME, as with runc; crun takes that of the container's process",
    covers: ({ fact }, { parts }) =>
      /^inside env\.\d+$/.test(fact) && parts.some(({ kind }) => kind === "exec") &&
      (lacksEnvironment(parts) || JSON.stringify(execField(parts, "/env")) === "[]"),
  },
  {
    name: "HOME from a masked passwd",
    reason: "hull has read it before masks are set, crun as runc afterwards",
    covers: ({ fact, hull, reference }, { parts }) =>
      /^inside env\.\d+$/.test(fact) && hull.startsWith("HOME=") && reference === "HOME=/" &&
      covers(parts, "maskedPaths", ["/etc/passwd", "/etc"]),
  },
  {
    name: "an empty HOME",
    reason: "it is none, as with runc: HOME is what passwd says",
    covers: ({ fact, hull, reference }) =>
      /^inside env\.\d+$/.test(fact) && hull.startsWith("HOME=/") && reference === "HOME=",
  },
  {
    name: "an exec's user that is null",
    reason: "its ids are 0, as with runc; crun takes those of the container's process",
    covers: ({ fact }, { parts }) =>
      fact.startsWith("inside ") && execField(parts, "/user") === null &&
      JSON.stringify(fieldOf(parts, "process", "user")) !== '{"uid":0,"gid":0}',
  },
  {
    name: "mode of a place that was made",
    reason:
      "nobody says which; crun's folders have the sticky bit, its files are the owner's alone",
    covers: ({ fact, hull, reference }, { parts }) =>
      (isMade(fact, parts) || /^inside (also )?place /.test(fact)) && [
        hull.replace(/^folder 755/, "folder 1755"),
        hull.replace(/^folder 40755/, "folder 41755"),
        hull.replace(/^file 755/, "file 700"),
        hull.replace(/^file 100755/, "file 100700"),
      ].includes(reference),
  },
  {
    name: "mode of a tmpfs",
    reason: "crun gives the place's mode as an option; what it is stands under the place",
    covers: ({ fact, hull, reference }) =>
      fact.startsWith("inside mount ") && / tmpfs /.test(hull) &&
      withoutMode(hull) === withoutMode(reference),
  },
  {
    name: "propagation of a mount",
    reason: "the spec: an option of the mount, as with runc; crun makes all private at its end",
    covers: ({ fact, hull, reference }) =>
      fact.startsWith("inside mount ") && /^\S+ \S+ {2}/.test(reference) &&
      withoutMode(withoutGroups(hull)) === withoutMode(reference),
  },
  {
    name: "the folder of the hierarchies",
    reason: "read-only as it was asked for; crun leaves it writable, for all",
    covers: ({ fact, hull, reference }, { parts }) =>
      mountsOf(parts).some(({ type }) => type === "cgroup") &&
      (/^inside (also )?place /.test(fact) && /^folder 755 .* fs=1021994 /.test(hull) &&
          /^folder 1777 .* fs=1021994 /.test(reference) ||
        fact.startsWith("inside mount ") && / tmpfs tmpfs /.test(hull) &&
          / tmpfs cgroup rw,size=1024k/.test(reference)),
  },
  {
    name: "how hierarchies are mounted",
    reason: "as the config says; crun adds nosymfollow, and makes them private",
    covers: ({ fact, hull, reference }) =>
      fact.startsWith("inside mount ") && / cgroup cgroup /.test(hull) &&
      withoutGroups(hull).replace(/^\/\S*(?=\/)/, "") ===
        reference.replace(",nosymfollow", "").replace(/^\/\S*(?=\/)/, ""),
  },
  {
    name: "links of hierarchies that are not there",
    reason: "crun makes those of the usual hosts, which lead nowhere on others",
    covers: ({ fact, hull, reference }) =>
      /^inside (also )?place \/.*\/net_(cls|prio)$/.test(fact) && hull === NOTHING &&
      reference.endsWith(" to net_cls,net_prio"),
  },
  {
    name: "a way up behind what is missing",
    reason: "hull takes a .. out of a place where nothing stands, as runc; crun makes that",
    covers: ({ fact, hull }, { parts }) =>
      mountsOf(parts).some(({ destination = "" }) => {
        const [, missing] = /^\/(\w+)\/\.\.\//.exec(destination) ?? [];
        return missing !== undefined &&
          (hull === NOTHING && fact.endsWith(`/${missing}`) && !rootfsOf(parts).has(missing) ||
            fact === `inside place ${walked(parts, destination)}`);
      }),
  },
  {
    name: "options that crun does not take back",
    reason: "the last of two opposite words counts; crun keeps strictatime, and nosuid of a mqueue",
    covers: ({ fact, hull, reference }, { parts }) =>
      /^inside (also )?(place|mount) \/dev(\/|$)/.test(fact) &&
      withoutTimes(hull) === withoutTimes(reference) &&
      parts.some((part) => part.kind === "push" && /^\/mounts\/\d+\/options$/.test(part.at)),
  },
  {
    name: "attributes that nobody asked for",
    reason: "a bind has its source's, which crun clears, and dirsync is no nodiratime",
    covers: ({ fact, hull, reference }, { parts }) =>
      /^inside (also )?(place|mount) /.test(fact) && hull !== reference &&
      mountsOf(parts).some(({ options = [] }) =>
        options.some((word) => /bind$|^dirsync$/.test(word))
      ) &&
      withoutFlags(hull).replace(/,nosuid,nodev,noexec/, "") ===
        withoutFlags(reference).replace(/,nodiratime/, ""),
  },
  {
    name: "names of capabilities in lower case",
    reason: "capabilities(7) has none; hull, as runc, warns of them and leaves them out",
    covers: ({ fact }, { parts }) =>
      /^inside status\.Cap/.test(fact) && /"cap_\w+"/.test(JSON.stringify(parts)),
  },
  {
    name: "noexec that is taken back",
    reason: "the last of two opposite words counts; crun keeps it",
    covers: ({ fact, hull, reference }, { parts }) =>
      /^inside (also )?(place|mount) /.test(fact) && hull !== reference &&
      mountsOf(parts).some(({ options = [] }) =>
        options.includes("noexec") && options.includes("exec")
      ) &&
      withoutFlags(hull) === withoutFlags(reference).replace(",noexec", ""),
  },
  {
    name: "nosymfollow",
    reason: "the spec has it; crun passes it over, and sets it for rrelatime",
    covers: ({ fact, hull, reference }) =>
      /^inside (also )?(place|mount) /.test(fact) && hull !== reference &&
      withoutGroups(withoutFollow(hull)) === withoutGroups(withoutFollow(reference)),
  },
  {
    name: "special bits of a device",
    reason: "hull gives fileMode as it stands, crun as runc nine bits of it",
    covers: ({ fact, hull, reference }, { parts }) =>
      /^(inside (also )?place|host) /.test(fact) && [
        hull.replace(/^(char|block|fifo) [1-7](?=\d{3} )/, "$1 "),
        hull.replace(/^(special \d\d?)[1-7](?=\d{3} )/, "$10"),
        hull.replace(/^char 7777/, "char 1777").replace(/^special 27777/, "special 21777"),
      ].includes(reference) &&
      parts.some((part) => part.kind === "push" && part.at === "/linux/devices"),
  },
];

/** A set of signals with the two that a C library keeps for itself. */
function withSignals(set: string): string {
  return (BigInt(`0x${set}`) | 0x1_8000_0000n).toString(16).padStart(16, "0");
}

function withoutFlags(fact: string): string {
  return fact.replace(/flags=\w+/, "");
}

/** A place or mount without whether links are followed there. */
function withoutFollow(fact: string): string {
  return fact.replace(",nosymfollow", "").replace(
    /flags=(\w+)/,
    (_, flags) => `flags=${(Number.parseInt(flags, 16) & ~NOSYMFOLLOW).toString(16)}`,
  );
}

/** What statfs(2) has of a mount where no link is followed. */
const NOSYMFOLLOW = 0x2000;

/** Whether a fact is of a place below one that is read-only by its path. */
function isBelowReadonly(fact: string, parts: readonly Part[]): boolean {
  const [, place] = /^inside (?:also )?(?:place|mount) (\/.*)$/s.exec(fact) ?? [];
  const paths = (fieldOf(parts, "linux", "readonlyPaths") ?? []) as readonly string[];
  return place !== undefined && paths.some((path) => {
    const end = walked(parts, path);
    return end === "/" || place.startsWith(`${end}/`);
  });
}

/** A mount without the mode that its file system was made with. */
function withoutMode(fact: string): string {
  return fact.replace(/,mode=\d+/, "");
}

/** A mount without its groups of propagation. */
function withoutGroups(fact: string): string {
  return fact.replace(/^(\S+ \S+) \S* /, "$1  ");
}

/** A place or mount without its access times and nosuid. */
function withoutTimes(fact: string): string {
  return withoutFlags(fact).replaceAll(/,(relatime|nosuid)/g, "");
}

/** Whether a fact is of a place that the config masks. */
function isMasked(fact: string, parts: readonly Part[]): boolean {
  const [, place] = /^inside (?:also )?(?:place|mount) (\/.*)$/s.exec(fact) ?? [];
  const masked = (fieldOf(parts, "linux", "maskedPaths") ?? []) as readonly string[];
  return place !== undefined &&
    masked.flatMap((path) => [path, path.replace(/^\/proc\/self\//, "/proc/1/")])
      .some((path) => path === place || walked(parts, path) === walked(parts, place));
}
