/**
 * Known differences in what a program inside sees, and in what is on the host afterwards.
 *
 * @module
 */

import type { Json, Part } from "./case.ts";
import type { Known } from "./compare.ts";

/** Where both run a case and something shows otherwise. */
export const VIEWS: readonly Known[] = [
  {
    name: "signal 32",
    reason: "Go's runtime leaves the C library's own signal ignored in what runc starts",
    covers: ({ fact, hull, reference }) =>
      fact === "inside status.SigIgn" && reference === hull.replace(/0(?=0{7}$)/, "8"),
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
    name: "the null of masks, read-only",
    reason:
      "masks come before read-only paths, so that theirs is not; it takes what is written anyway",
    covers: ({ fact, hull, reference }, { parts }) =>
      /^inside (also )?place \//.test(fact) && / 1:3 /.test(hull) &&
      hull.replace("flags=22 ", "flags=23 ") === reference &&
      parts.some((part) =>
        part.kind === "push" && part.at === "/linux/readonlyPaths" && part.value === "/dev/null"
      ),
  },
  {
    name: "own files of the state folder",
    reason: "names that begin with ~ are hull's own: what filters were compiled to",
    covers: ({ fact }) => fact.startsWith("left state ~"),
  },
  {
    name: "what hooks are told",
    reason: "the spec: a hook without env has none, where runc's createContainer has the " +
      "process's, and a container that poststart hooks see is running",
    covers: ({ fact, hull, reference }, { parts }) =>
      fact === "host ./hooks" &&
      (hasBareHook(parts)
        ? withoutVariables(hull) === withoutVariables(reference)
        : withoutStatus(hull) === withoutStatus(reference)),
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
    name: "mode over the option, of a folder that nobody may enter",
    reason: "the same: what lies in it is not seen by an exec's user",
    covers: ({ fact, reference }, { parts }) =>
      ["(nothing)", "EACCES"].includes(reference) &&
      parts.some((part) =>
        part.kind === "entry" && part.shape.type === "folder" && part.shape.mode === 0 &&
        new RegExp(`^inside (also )?(place|list) /${part.place}(/|$)`).test(fact)
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
    name: "a masked /dev/null",
    reason: "it shows what it did; hull does not cover it with itself",
    covers: ({ fact, hull }) => fact === "inside mount /dev/null" && hull === "(nothing)",
  },
  {
    name: "default devices that are listed as well",
    reason: "hull lets them be used as well; runc forgets what it allows by default",
    covers: ({ fact }, { parts }) =>
      parts.some((part) =>
        part.kind === "push" && part.at === "/linux/devices" &&
        fact === `inside place ${(part.value as { readonly path: string }).path}`
      ),
  },
  {
    name: "devices in a user namespace",
    reason: "what is bound there is nosuid and noexec: no program lies at a device",
    covers: ({ fact, hull }, { parts }) =>
      /^inside (also )?(place|mount) \/(dev|proc)\//.test(fact) &&
      /flags=102a|nosuid,noexec/.test(hull) &&
      parts.some((part) => part.kind === "set" && part.at === "/linux/uidMappings"),
  },
  {
    name: "a group named twice",
    reason: "the same rights; runc names it once",
    covers: ({ fact, hull, reference }) =>
      fact === "inside status.Groups" &&
      [...new Set(hull.trim().split(" "))].join(" ") === reference.trim(),
  },
  {
    name: "special bits of a device",
    reason: "hull gives fileMode as it stands, runc nine bits of it",
    covers: ({ fact, hull, reference }, { parts }) =>
      /^(inside place|host) /.test(fact) && hull.replace(/ (2|6|)4755 /, (_, type) =>
          type === "" ? " 755 " : ` ${type}0755 `) === reference &&
      parts.some((part) =>
        part.kind === "push" && part.at === "/linux/devices"
      ),
  },
  {
    name: "umask of an exec",
    reason:
      "an exec has the one that it names or the container's; runc 1.1 sets it for the first " +
      "process alone",
    covers: ({ fact }, { parts }) =>
      /^inside (umask|status.Umask)$/.test(fact) &&
      parts.some(({ kind }) => kind === "exec") &&
      parts.some((part) => "at" in part && /\/user$/.test(part.at)),
  },
  {
    name: "the folder of the hierarchies",
    reason:
      "read-only as it was asked for, and the propagation is that of the hierarchies in it; " +
      "runc 1.1 leaves that tmpfs writable, and gives it the propagation",
    covers: ({ fact, hull, reference }, { parts }) =>
      fact.startsWith("inside mount ") && / tmpfs tmpfs /.test(hull) &&
      withoutGroups(hull).replace(/^\/ r[ow],/, "") ===
        withoutGroups(reference).replace(/^\/ r[ow],/, "") &&
      parts.some((part) => part.kind === "push" && mountsCgroups(part.value)),
  },
  {
    name: "a root that is read-only by its path",
    reason:
      "an exec of runc 1.1 enters the copy that it laid over the root: writable, without masks",
    covers: ({ fact }, { parts }) =>
      /^inside (also )?(place|mount) /.test(fact) && parts.some(({ kind }) => kind === "exec") &&
      parts.some((part) =>
        part.kind === "push" && part.at === "/linux/readonlyPaths" &&
        ["/", "/."].includes(String(part.value))
      ),
  },
  {
    name: "where a poststop hook is",
    reason: "every hook of the host's begins in the bundle; runc's delete leaves it where it is",
    covers: ({ fact, hull, reference }) =>
      fact === "host ./hooks" && withoutFolder(hull) === withoutFolder(reference),
  },
  {
    name: "what a remount does not name",
    reason: "it stays as it is, as with a bind; runc 1.1 clears it",
    covers: ({ fact, hull, reference }, { parts }) =>
      remountsOf(parts).some((place) =>
        fact === `inside mount ${place}` &&
          hull.replaceAll(/,(nosuid|nodev|noexec)/g, "") === reference ||
        fact.startsWith(`inside place ${place}`) &&
          hull.replace(/flags=\w+/, "") === reference.replace(/flags=\w+/, "")
      ),
  },
  {
    name: "lines of passwd without a home",
    reason: "an empty home is none: HOME is /; runc's exec sets it empty",
    covers: ({ fact, hull, reference }) =>
      /^inside env\.\d+$/.test(fact) && hull === "HOME=/" && reference === "HOME=",
  },
  {
    name: "oomScoreAdj of an exec",
    reason: "runc 1.1 sets it for the first process alone",
    covers: ({ fact }, { parts }) =>
      fact === "inside oom" &&
      parts.some((part) => part.kind === "exec" && part.at === "/oomScoreAdj"),
  },
  {
    name: "HOME from a masked passwd",
    reason: "hull has read it before masks are set, runc afterwards",
    covers: ({ fact, hull, reference }, { parts }) =>
      /^inside env\.\d+$/.test(fact) && hull.startsWith("HOME=") && reference === "HOME=/" &&
      parts.some((part) =>
        part.kind === "push" && part.at === "/linux/maskedPaths" && part.value === "/etc/passwd"
      ),
  },
];

/** A mount without what the file system was made with. */
function withoutMode(fact: string): string {
  return fact.replace(/,mode=\d+/, "").replace(/ (tmpfs|shm) r[ow]/, " $1 r");
}

function mountsCgroups(value: Json): boolean {
  return (value as { readonly type?: string } | null)?.type === "cgroup";
}

/** What hooks saw, without the folder in which a poststop hook was. */
function withoutFolder(fact: string): string {
  return fact.replaceAll(/(poststop cwd\\t).*?\\n/g, "$1");
}

/** The places that a case remounts. */
function remountsOf(parts: readonly Part[]): readonly string[] {
  return parts.flatMap((part) => {
    if (part.kind !== "push" || part.at !== "/mounts") return [];
    const { destination = "", options = [] } = part.value as {
      readonly destination?: string;
      readonly options?: readonly string[];
    };
    return options.includes("remount") ? [destination] : [];
  });
}

function sets(parts: readonly Part[], at: string): boolean {
  return parts.some((part) => part.kind === "set" && part.at === at);
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

/** What hooks saw, without poststart's status. */
function withoutStatus(fact: string): string {
  return fact.replaceAll(/(hook poststart.*?status\\":\\")\w+/g, "$1");
}

/** What hooks saw, without their environment. */
function withoutVariables(fact: string): string {
  return withoutStatus(fact).replaceAll(/(prestart|create\w+|post\w+)\.\d+\\t.*?\\n/g, "");
}
