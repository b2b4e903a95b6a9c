/**
 * Known differences in what a program inside sees, and in what is on the host afterwards.
 *
 * @module
 */

import type { Json, Part } from "./case.ts";
import {
  collapsed,
  covers,
  execField,
  fieldOf,
  hasUserNamespace,
  mountsOf,
  rootfsOf,
  walked,
} from "./case_look.ts";
import type { Known } from "./difference.ts";

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
    reason: "runc 1.1 sets it before the root is switched, which makes it private again; a tmpfs " +
      "shows its mode beside, as below",
    covers: ({ fact, hull, reference }, { parts }) =>
      fact.startsWith("inside mount ") && sets(parts, "/linux/rootfsPropagation") &&
      withoutMode(withoutGroups(hull)) === withoutMode(withoutGroups(reference)),
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
    name: "mode of a place that was made",
    reason: "the file that runc makes for a mount has the mode 0644 since 1.1.14, and had 0755",
    covers: ({ fact, hull, reference }) =>
      fact.startsWith("host ./rootfs/") && /^file 100755 .* ""$/.test(hull) &&
      hull.replace("100755", "100644") === reference,
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
      "masks come before read-only paths, and hull's null is the host's where the config has no " +
      "/dev, so that theirs is not; it takes what is written anyway",
    covers: ({ fact, hull, reference }, { parts }) =>
      /^inside (also )?place \//.test(fact) && / 1:3 /.test(hull) &&
      withoutFlags(hull) === withoutFlags(reference) &&
      (flagsIn(hull) | RDONLY) === flagsIn(reference) &&
      (covers(parts, "readonlyPaths", ["/dev/null"]) ||
        fieldOf(parts, "root", "readonly") === true &&
          !mountsOf(parts).some(({ destination }) => destination === "/dev")),
  },
  {
    name: "a remount of the host's file system",
    reason:
      "runc hands options to the file system that holds the rootfs, where the host and other " +
      "containers have them too; hull changes the container's mount alone",
    covers: ({ fact, hull }, { parts }) =>
      fact.startsWith("changed mount ") && hull === "(nothing)" &&
      mountsOf(parts).some(({ options = [] }) => options.includes("remount")),
  },
  {
    name: "own files of the state folder",
    reason: "names that begin with ~ are hull's own: what filters were compiled to",
    covers: ({ fact, reference }) => fact === "left state ~seccomp" && reference === "(nothing)",
  },
  {
    name: "what hooks are told",
    reason: "the spec: a hook without env has none, where runc's createContainer has the " +
      "process's, and a container that poststart hooks see is running",
    covers: ({ fact, hull, reference }, { parts }) =>
      fact === "host ./hooks" &&
      (hasBareHook(parts, "createContainer")
        ? withoutVariables(hull) === withoutVariables(reference)
        : withoutStatus(hull) === withoutStatus(reference)),
  },
  {
    name: "mode over the option",
    reason:
      "runc 1.1 gives a tmpfs the mode of the folder below, even where an option says another",
    covers: ({ fact, hull, reference }, { parts }) =>
      modesIn(parts).some(({ place, asked }) =>
        fact === `inside place ${place}` && hull.startsWith(`folder ${asked.toString(8)} `) &&
        withoutRights(hull) === withoutRights(reference)
      ),
  },
  {
    name: "mode over the option, of a folder that others may not enter",
    reason: "the same: what lies in it is not seen by an exec's user",
    covers: ({ fact, reference }, { parts }) =>
      ["(nothing)", "EACCES"].includes(reference) &&
      modesIn(parts).some(({ place, below }) =>
        isClosed(below) && new RegExp(`^inside (also )?(place|list) ${place}(/|$)`).test(fact)
      ),
  },
  {
    name: "mode over the option, that others may not enter",
    reason: "the same the other way round: hull's, as it was asked for, is closed",
    covers: ({ fact, hull, reference }, { parts }) =>
      hull === "EACCES" && reference === "(nothing)" &&
      modesIn(parts).some(({ place, asked, below }) =>
        fact === `inside list ${place}` && isClosed(asked) && !isClosed(below)
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
    covers: ({ fact, hull }, { parts }) =>
      parts.some(({ kind }) => kind === "exec") &&
      (execField(parts, "/rlimits") ?? null) === null &&
      limitsOf(parts).some(([name, limit]) => fact === `inside limit.${name}` && hull === limit),
  },
  {
    name: "the soft limit of open files",
    reason: "Go raises it to the hard one for runc, which does not put it back in each exec",
    covers: ({ fact, hull, reference }, { parts }) => {
      const [soft, hard] = hull.split(" ");
      const asked = JSON.stringify(execField(parts, "/rlimits") ?? []);
      return fact === "inside limit.7" && soft !== hard && reference === `${hard} ${hard}` &&
        asked.includes(`"RLIMIT_NOFILE","hard":${hard},"soft":${soft}}`);
    },
  },
  {
    name: "a masked /dev/null",
    reason: "it shows what it did; hull does not cover it with itself",
    covers: ({ fact, hull }, { parts }) =>
      fact === "inside mount /dev/null" && hull === "(nothing)" &&
      covers(parts, "maskedPaths", ["/dev/null"]),
  },
  {
    name: "default devices that are listed as well",
    reason: "hull lets them be used as well; runc forgets what it allows by default",
    covers: ({ fact, hull, reference }, { parts }) =>
      /^inside place \/dev\/(null|zero|full|random|urandom|tty)$/.test(fact) &&
      nineBits(withoutFlags(hull)).replace(/w([x-]) /, "-(EPERM)$1 ")
          .replace("open=yes", "open=EPERM") ===
        withoutFlags(reference).replace(/ w([x-]) /, " -(EPERM)$1 ") &&
      (flagsIn(hull) === flagsIn(reference) || hasUserNamespace(parts)) &&
      parts.some((part) =>
        part.kind === "push" && part.at === "/linux/devices" &&
        fact === `inside place ${(part.value as { readonly path: string }).path}`
      ),
  },
  {
    name: "rules of default devices that are listed as well",
    reason: "the same, as it stands in the cgroup",
    covers: ({ fact, hull, reference }, { parts }) =>
      /^(cgroup|updated) devices\.list$/.test(fact) &&
      reference.split(" | ").every((rule) => hull.split(" | ").includes(rule)) &&
      hull.split(" | ").every((rule) =>
        reference.split(" | ").includes(rule) || /^c (1:[35789]|5:[02]) rwm$/.test(rule)
      ) &&
      parts.some((part) =>
        part.kind === "push" && part.at === "/linux/devices" &&
        /^\/dev\/(null|zero|full|random|urandom|tty)$/.test(
          (part.value as { readonly path: string }).path,
        )
      ),
  },
  {
    name: "devices in a user namespace",
    reason: "what is bound there is nosuid and noexec: no program lies at a device",
    covers: ({ fact, hull, reference }, { parts }) =>
      /^inside (also )?(place|mount) \/(dev|proc)\//.test(fact) &&
      /flags=102a|nosuid,noexec/.test(hull) &&
      withoutFlags(hull) === withoutFlags(reference) &&
      parts.some((part) => part.kind === "set" && part.at === "/linux/uidMappings"),
  },
  {
    name: "masks in a user namespace",
    reason: "the null that covers a file is nosuid and noexec there as well",
    covers: ({ fact, hull, reference }, { parts }) => {
      const [, place] = /^inside (?:also )?place (\/\S*)$/.exec(fact) ?? [];
      return place !== undefined && hasUserNamespace(parts) &&
        covers(parts, "maskedPaths", [place]) &&
        / flags=102a .* 1:3 /.test(hull) && withoutFlags(hull) === withoutFlags(reference);
    },
  },
  {
    name: "a tmpfs over a read-only one",
    reason:
      "at the end runc makes read-only what shows at the path of the one that asked for it; " +
      "hull that one alone, so that what was mounted over it is as its own entry says",
    covers: ({ fact, hull, reference }, { parts }) => {
      const [, place] = /^inside (?:also )?(?:place|mount) (\/\S*)$/.exec(fact) ?? [];
      const there = mountsOf(parts).filter(({ type, destination = "" }) =>
        type === "tmpfs" && `${place}/`.startsWith(`${walked(parts, destination)}/`)
      );
      const asked = there.map(({ options }) => options?.includes("ro") === true);
      return asked.includes(true) && asked.at(-1) === false &&
        [
          hull.replace("flags=1020 wx", "flags=1021 -(EROFS)x"),
          hull.replace("flags=1020 ", "flags=1021 "),
          hull.replace("/ rw,", "/ ro,"),
        ].includes(reference);
    },
  },
  {
    name: "whose the queues are",
    reason:
      "who makes the ipc namespace owns them: in hull the container's root, in runc one who is that " +
      "but for the group",
    covers: ({ fact, hull, reference }, { parts }) =>
      /^inside (also )?place \S*$/.test(fact) && hasUserNamespace(parts) &&
      hull.startsWith("folder 1777 0:0 fs=19800202 ") &&
      hull.replace(" 0:0 ", " 0:65534 ") === reference,
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
      /^(inside place|host) /.test(fact) &&
      (nineBits(hull) === reference || hull.replace(/ [2467]777 /, " 1777 ") === reference) &&
      parts.some((part) => part.kind === "push" && part.at === "/linux/devices"),
  },
  {
    name: "umask of an exec",
    reason:
      "an exec has the one that it names or the container's; runc 1.1 sets it for the first " +
      "process alone",
    covers: ({ fact, hull }, { parts }) =>
      /^inside (umask|status.Umask)$/.test(fact) &&
      parts.some(({ kind }) => kind === "exec") &&
      Number.parseInt(hull, 8) === umaskOf(parts),
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
    name: "the folder of the hierarchies, as it is seen",
    reason: "the same: read-only as it was asked for; and its mode is 755, not the place's",
    covers: ({ fact, hull, reference }, { parts }) =>
      /^inside (also )?place /.test(fact) && / fs=1021994 /.test(hull) &&
      hull.startsWith("folder 755 ") && withoutRights(withoutFlags(hull)) ===
        withoutRights(withoutFlags(reference)) &&
      (flagsIn(hull) ^ flagsIn(reference)) <= RDONLY &&
      mountsOf(parts).some(({ type }) => type === "cgroup"),
  },
  {
    name: "a root that is read-only by its path",
    reason:
      "an exec of runc 1.1 enters the copy that it laid over the root: writable, without masks",
    covers: ({ fact, hull, reference }, { parts }) => {
      const [, place] = /^inside (?:also )?(?:place|mount) (.*)$/s.exec(fact) ?? [];
      return place !== undefined && parts.some(({ kind }) => kind === "exec") &&
        covers(parts, "readonlyPaths", ["/", "/."]) &&
        (asReadonly(hull) === hull && asReadonly(reference) === hull ||
          coveredIn(parts).some((path) => `${place}/`.startsWith(`${path}/`)));
    },
  },
  {
    name: "a root that is read-only by way of its parent",
    reason: "as the kernel reads /..; runc lays the copy over the root, where nobody comes by",
    covers: ({ fact, hull, reference }, { parts }) =>
      /^inside ((also )?place|mount) /.test(fact) && covers(parts, "readonlyPaths", ["/.."]) &&
      hull !== reference && asReadonly(hull) === hull && asReadonly(reference) === hull,
  },
  {
    name: "a way up behind a link",
    reason:
      "hull mounts at the place that it made, by the kernel's walk; runc makes that one, and " +
      "mounts where the path leads with its .. taken out by name",
    covers: ({ fact }, { parts }) =>
      mountsOf(parts).some(({ destination = "" }) => {
        const ends = [walked(parts, destination), walked(parts, collapsed(destination))];
        return destination.includes("..") && ends[0] !== ends[1] && !ends.includes("/") &&
          ends.some((end) =>
            new RegExp(`^inside (also )?(place|list|mount) ${end}(/|$)`).test(fact)
          );
      }),
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
          withoutFlags(hull) === withoutFlags(reference) &&
          ((flagsIn(hull) ^ flagsIn(reference)) & ~(NOSUID | NODEV | NOEXEC)) === 0
      ),
  },
  {
    name: "what a remount of a devpts does not name",
    reason: "its options stay, too; for runc the kernel sets those of a devpts without any",
    covers: ({ fact, hull, reference }, { parts }) =>
      remountsOf(parts).some((place) =>
        fact === `inside mount ${place}` && / devpts devpts rw,gid=/.test(hull) &&
          reference.endsWith(" devpts devpts rw,mode=600,ptmxmode=000") ||
        fact === `inside place ${place}/ptmx` && hull.startsWith("char 666 ") &&
          reference.startsWith("char 0 ")
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
    covers: ({ fact, hull }, { parts }) =>
      fact === "inside oom" && hull === String(execField(parts, "/oomScoreAdj")),
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

/** What statfs(2) has of a mount's options. */
const RDONLY = 1;
const NOSUID = 2;
const NODEV = 4;
const NOEXEC = 8;

function flagsIn(fact: string): number {
  return Number.parseInt(/flags=(\w+)/.exec(fact)?.[1] ?? "0", 16);
}

/** A place or a mount without the options that say what may be done with what lies there. */
function withoutFlags(fact: string): string {
  return fact.replace(/flags=\w+/, "").replaceAll(/,(nosuid|nodev|noexec)/g, "");
}

/** A device without the special bits of the mode that cases ask for. */
function nineBits(fact: string): string {
  return fact.replace(/ (1|2|6|)4755 /, (_, type) => type === "" ? " 755 " : ` ${type}0755 `);
}

/** A place or mount as it is where nothing can be written. */
function asReadonly(fact: string): string {
  return fact.replace(
    /flags=(\w+)/,
    (_, flags) => `flags=${(Number.parseInt(flags, 16) | RDONLY).toString(16)}`,
  )
    .replace(/ w([x-]) ?/, (all) => all.replace("w", "-(EROFS)"))
    .replace(/^(\S+) rw,/, "$1 ro,");
}

/** Where masked and read-only paths lead. */
function coveredIn(parts: readonly Part[]): readonly string[] {
  return ["maskedPaths", "readonlyPaths"].flatMap((list) =>
    ((fieldOf(parts, "linux", list) ?? []) as readonly string[])
      .map((path) => walked(parts, path))
      .filter((path) => path !== "/")
  );
}

/** A folder without its mode, and what that lets the program do. */
function withoutRights(fact: string): string {
  return fact.replace(/^folder \d+ /, "").replace(/ (w|-|-\(\w+\))[x-]$/, "");
}

const LIMITS =
  "CPU FSIZE DATA STACK CORE RSS NPROC NOFILE MEMLOCK AS LOCKS SIGPENDING MSGQUEUE NICE " +
  "RTPRIO RTTIME";

/** The limits that the container's process names, by their numbers, as the probe prints them. */
export function limitsOf(parts: readonly Part[]): readonly (readonly [number, string])[] {
  const limits = (fieldOf(parts, "process", "rlimits") ?? []) as readonly {
    readonly type: string;
    readonly soft?: number;
    readonly hard?: number;
  }[];
  const printed = (value: number) => String(BigInt.asIntN(64, BigInt(value)));
  const all = 2 ** 64;
  const text = (value = 0) => value >= all ? "-1" : printed(value);
  return limits.map(({ type, soft, hard }) => [
    LIMITS.split(" ").indexOf(type.replace("RLIMIT_", "")),
    `${text(soft)} ${text(hard)}`,
  ]);
}

/** The umask that an exec is to have. */
function umaskOf(parts: readonly Part[]): number {
  const users = [execField(parts, "/user"), fieldOf(parts, "process", "user")];
  const masks = users.map((user) => (user as { readonly umask?: number } | undefined)?.umask);
  return masks.find((mask) => mask !== undefined) ?? 0o22;
}

/** A mount without what the file system was made with. */
function withoutMode(fact: string): string {
  return fact.replace(/,mode=\d+/, "").replace(/ (tmpfs|shm|sysfs|proc|mqueue) r[ow]/, " $1 r");
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
export function hasBareHook(parts: readonly Part[], point: string): boolean {
  return parts.some((part) =>
    part.kind === "push" && part.at === `/hooks/${point}` &&
    !JSON.stringify(part.value).includes('"env"')
  );
}

/** The modes that a case's tmpfs mounts ask for, with those of what they cover. */
function modesIn(
  parts: readonly Part[],
): readonly { readonly place: string; readonly asked: number; readonly below: number }[] {
  return mountsOf(parts).flatMap(({ type, destination = "", options = [] }) => {
    const mode = options.findLast((option) => option.startsWith("mode="));
    if (type !== "tmpfs" || mode === undefined) return [];
    const place = walked(parts, destination);
    const shape = rootfsOf(parts).get(place.slice(1));
    const below = shape?.type === "folder" ? shape.mode ?? 0o755 : 0o755;
    return [{ place, asked: Number.parseInt(mode.slice("mode=".length), 8), below }];
  });
}

/** Whether others may not list a folder, or may not enter it. */
function isClosed(mode: number): boolean {
  return (mode & 0o5) !== 0o5;
}

/** What hooks saw, with poststart's status as it is to be. */
function withoutStatus(fact: string): string {
  return fact.replaceAll(/(hook poststart.*?status\\":\\")created/g, "$1running");
}

/** What hooks saw, without the environment of those that runc gives the process's. */
function withoutVariables(fact: string): string {
  return withoutStatus(fact).replaceAll(/createContainer\.\d+\\t.*?\\n/g, "");
}
