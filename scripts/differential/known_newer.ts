/**
 * Known differences from runc 1.2 and later, which differs from 1.1 there.
 *
 * @module
 */

import type { Part } from "./case.ts";
import { fieldOf, mountsOf, walked } from "./case_look.ts";
import type { Known } from "./difference.ts";
import type { Observation } from "./observe.ts";
import { bothFailed, bothRefuse, hullRefuses, isMade, runcRefuses } from "./known_refusals.ts";

/** What a later runc shows otherwise. */
export const NEWER: readonly Known[] = [
  {
    name: "the folder of masks",
    reason: "read-only and empty in both; runc 1.3 also limits what nobody can write to it",
    covers: ({ fact, hull, reference }, { parts }) =>
      fact.startsWith("inside mount ") && / tmpfs tmpfs ro(,|$)/.test(hull) &&
      hull.replace(/ tmpfs tmpfs ro/, " tmpfs tmpfs ro,size=4k,nr_inodes=1") ===
        reference.replace(/(?<=^\S+ \S+ )shared /, isShared(parts) ? " " : "shared "),
  },
  {
    name: "the place of a variable that is named twice",
    reason:
      "both have its last value; hull and runc 1.1 where it stood first, 1.3 where it stood last",
    covers: ({ fact }, { hull, reference }) =>
      /^inside env\.\d+$/.test(fact) && variables(hull) === variables(reference),
  },
  {
    name: "no capabilities in the config",
    reason:
      "a program gets those that it is given, and so none, as with runc 1.1; 1.3 gives it all",
    covers: ({ fact }, { parts, reference }) =>
      fact.startsWith("inside ") &&
      reference.facts.get("inside status.CapPrm") === "000001fffeffffff" &&
      fieldOf(parts, "process", "capabilities") === null,
  },
  {
    name: "the home of a process without an environment",
    reason: "hull gives it HOME as any other; runc leaves an exec alone whose env is missing",
    covers: ({ fact, hull: ours, reference: theirs }, { parts, reference }) =>
      fact === "inside env.0" && ours.startsWith("HOME=") && theirs === "(nothing)" &&
      !reference.facts.has("inside env.1") && lacksEnvironment(parts),
  },
  {
    name: "no annotations",
    reason: "the spec: they may be absent or empty, where there are none",
    covers: ({ fact, hull, reference }) =>
      fact === "state annotations" && hull === "{}" && reference === "(nothing)",
  },
  {
    name: "whose the container is",
    reason: "runc looks the user up by its own reading of passwd, and may find none",
    covers: ({ fact, hull, reference }) =>
      fact === "state owner" && hull === '"root"' && reference === '""',
  },
  {
    name: "an update that is refused",
    reason:
      "hull changes nothing then; runc has written what came before the fault, and may put it back",
    covers: ({ fact }, { hull, reference }) =>
      fact.startsWith("updated ") && /resources can't be used;/.test(hull.words) &&
      reference.facts.get("update code") === "1",
  },
  {
    name: "limits that runc's update does not know",
    reason:
      "hull sets all limits of resources, or says what is wrong with them; runc passes these over",
    covers: ({ fact, hull: ours, reference: theirs }, { parts, hull }) =>
      isPassedOver(parts) &&
      (/^updated (memory\.(oom_control|swappiness|kmem\S*)|devices\.list|blkio\S*|hugetlb\S*|net_\S+)$/
        .test(fact) || fact === "update code" && ours === "1" && theirs === "0" &&
          /\/(memory\/swappiness|rdma|hugepageLimits|network|blockIO)/.test(hull.words)),
  },
  runcRefuses(
    "masks without a mount namespace",
    "hull lays them over what the container alone sees, whose root is mounted nowhere",
    /unable to restrict sys entries without a private MNT namespace/,
  ),
  hullRefuses(
    "an errno where none is returned",
    "the spec: it is an error where the action has none",
    /can't be used; \S*errnoRet: can only be set for/i,
  ),
  {
    name: "code of a start that fails",
    reason: "a run that fails ends with 1; what runc 1.3 has started already ends with 255",
    covers: ({ fact, hull: ours, reference: theirs }, { hull, reference }) =>
      fact === "run code" && ours === "1" && theirs === "255" && bothFailed(hull, reference) &&
      /^exec \S+: |^error running startContainer hook/m.test(reference.words),
  },
  {
    name: "folders above a cgroup",
    reason:
      "both leave those that they made for the path; where both fail, who got further has made them",
    covers: ({ fact }, { parts, hull, reference }) =>
      fact.startsWith("left cgroup ") && isMade(fact, parts) && bothFailed(hull, reference),
  },
  {
    name: "made before a refusal",
    reason: "runc refuses the case before it makes anything, hull for what it meets later",
    covers: ({ fact, reference: theirs }, { parts, hull, reference }) =>
      isMade(fact, parts) && theirs === "(nothing)" && bothFailed(hull, reference) &&
      /: invalid mount &|too many open files|device access at/.test(reference.words),
  },
  {
    name: "attributes of the tree of a file system",
    reason: "hull sets them of every mount, crun as well; runc of binds alone",
    covers: ({ fact, hull, reference }, { parts }) => {
      const [, place] = /^inside (?:also )?(?:place|mount) (\/\S*)$/.exec(fact) ?? [];
      return place !== undefined && withoutAttributes(hull) === withoutAttributes(reference) &&
        mountsOf(parts).some(({ destination = "", type, options = [] }) =>
          `${place}/`.startsWith(`${walked(parts, destination)}/`) && type !== "bind" &&
          options.some((option) => TREE.test(option))
        );
    },
  },
  hullRefuses(
    "what is no access",
    "the spec: it is made of r, w and m",
    /can't be used; \/linux\/resources\/devices\/\d+\/access: must be letters of rwm/,
  ),
  bothRefuse(
    "labels of a module that is off",
    "hull says so before it makes anything; runc hands a mount's label to the kernel",
    ({ hull }) => /a security module that the config names is not there/.test(hull.words),
  ),
  hullRefuses(
    "a swappiness beyond 100",
    "the spec: it is a value from 0 to 100; runc leaves it to the kernel, and v2 has none",
    /can't be used; \/linux\/resources\/memory\/swappiness: must be an integer/,
  ),
  hullRefuses(
    "an annotation without a name",
    "the spec: keys must not be empty",
    /can't be used; \/annotations\/: must have a name/,
  ),
  hullRefuses(
    "a device without a number",
    "the spec: it has both of them, unless it is a fifo",
    /can't be used; \/linux\/devices\/\d+\/(major|minor): is required/,
  ),
  hullRefuses(
    "a cgroup by way of its parents",
    "nobody means a path that leads up; runc takes the .. out of it",
    /can't be used; \/linux\/cgroupsPath: must not have a part \\?"\.\./,
  ),
  runcRefuses(
    "two kinds of access times for a tree",
    "the last one counts, as with those of one mount; runc gives the kernel both",
    /error mounting .*: invalid argument/,
    (parts) =>
      mountsOf(parts).some(({ options = [] }) =>
        options.filter((option) => /^r(no|strict|rel)atime$/.test(option)).length > 1
      ),
  ),
  {
    name: "a poststop hook that fails",
    reason: "the spec: the lifecycle continues as if it had succeeded; runc's delete fails",
    covers: ({ fact, hull, reference }, { parts }) =>
      fact === "delete code" && hull === "0" && reference === "1" &&
      fieldOf(parts, "hooks", "poststop") !== undefined,
  },
  {
    name: "an update with unified limits",
    reason: "hull passes over what has nothing in it; runc refuses the field where v1 is",
    covers: ({ fact, hull: ours, reference: theirs }, { reference }) =>
      fact === "update code" && ours === "0" && theirs === "1" &&
      /cannot use unified on cgroup v1/.test(reference.words),
  },
  runcRefuses(
    "a flag of filters that is new",
    "the spec has it; runc from 1.5 on",
    /seccomp flag SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV is not known/,
  ),
  runcRefuses(
    "few open files",
    "what hull does before the program needs none of them; Go's runtime has its own files",
    /too many open files|netpollinit failed/,
    (parts) => JSON.stringify(parts).includes("RLIMIT_NOFILE"),
  ),
  {
    name: "an update with nothing for the CPU",
    reason: "runc takes null for what is there, and dies",
    covers: ({ fact }, { reference }) =>
      /^updated? /.test(fact) && /nil pointer dereference/.test(reference.words),
  },
  hullRefuses(
    "what is no version",
    "the spec: ociVersion is a SemVer version",
    /can't be used; \/ociVersion: must be a version/,
  ),
  runcRefuses(
    "a mount over the root",
    "what is mounted at / is the container's root, as the kernel has it; runc 1.3 lets nothing be there",
    /is on the top of rootfs/,
  ),
  runcRefuses(
    "a rule for devices without access",
    "the spec: it may be left out, and then the rule is about nothing or all; runc refuses it",
    /device access at \d+ field cannot be empty/,
  ),
  runcRefuses(
    "numbers of a fifo",
    "the spec: it has none, whatever the config says; runc 1.3 looks for them",
    /new p device inode \S+ has incorrect major:minor/,
  ),
  bothRefuse(
    "a folder as the program",
    "hull says what execve(2) says, runc that it is a folder",
    ({ hull, reference }) =>
      /EACCES .*it is a folder/.test(hull.words) && /is a directory/.test(reference.words),
  ),
];

/** Whether the root is shared, which runc shows in what lies on it, and hull on what is its own. */
function isShared(parts: readonly Part[]): boolean {
  return /shared/.test(String(fieldOf(parts, "linux", "rootfsPropagation")));
}

const TREE = /^r(ro|rw|(no)?(suid|dev|exec|atime|diratime|symfollow|relatime|strictatime))$/;

/** A place or mount without what attributes change. */
function withoutAttributes(fact: string): string {
  return fact.replace(/flags=\w+/, "").replaceAll(/ (w|-|-\(\w+\))(?=[x-]( |$))/g, " ")
    .replace(/^(\S+) r[ow]/, "$1")
    .replaceAll(/,(nosuid|nodev|noexec|noatime|relatime|nodiratime|nosymfollow)/g, "");
}

/** Whether a process is named whose environment is missing or null. */
export function lacksEnvironment(parts: readonly Part[]): boolean {
  return parts.some((part) =>
    part.kind === "execless" && part.at === "/env" ||
    (part.kind === "exec" || part.kind === "set") && /^(\/process)?\/env$/.test(part.at) &&
      part.value === null
  );
}

/** Whether an update has a limit that runc's does not set. */
function isPassedOver(parts: readonly Part[]): boolean {
  return parts.some((part) =>
    part.kind === "update" && (!/^\/(memory|cpu|pids)$/.test(part.at) ||
      /swappiness|disableOOMKiller|kernel|useHierarchy/.test(JSON.stringify(part.value)))
  );
}

/** The environment that a program saw, whatever its order. */
function variables({ facts }: Observation): string {
  const own = [...facts].flatMap(([name, value]) => name.startsWith("inside env.") ? [value] : []);
  return own.sort().join("\n");
}
