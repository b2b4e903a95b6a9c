/**
 * What cgroups this host has: which version rules, where each hierarchy is mounted, and which
 * cgroup of it this process is in.
 *
 * @module
 */

import { type Fd, open, read } from "../../ffi/files/file.ts";
import { parseMountLine } from "../../ffi/files/mount_table.ts";
import { SyscallProgram } from "../../ffi/program/program.ts";
import { AT_ONCE, EPOLLPRI, readiness } from "../../ffi/waiting/poll.ts";
import { ContainerError } from "../errors.ts";
import { isInUserNamespace, isPartial } from "../own/rights.ts";
import { cgroupError } from "./cgroup_errors.ts";

/** The kernel gives a file of /proc in parts of at most a page anyway. */
const CHUNK = 4096;

/** One mounted hierarchy: on v1 one for each controller or group of them, on v2 the one tree. */
export interface CgroupHierarchy {
  /**
   * The names of its controllers; a named v1 hierarchy is `name=NAME`, and cgroup v2 is "", as in
   * /proc/PID/cgroup.
   */
  readonly controllers: readonly string[];
  /** Where it is mounted. */
  readonly mountPoint: string;
  /** The folder of the cgroup that this process is in. */
  readonly ownFolder: string;
}

/** The cgroups of a host, as {@linkcode detectCgroups} finds them. */
export interface CgroupHost {
  /** Which rules apply: 1 as soon as controllers live in v1 hierarchies, "hybrid" included. */
  readonly version: 1 | 2;
  /** The mounted hierarchies, each once. */
  readonly hierarchies: readonly CgroupHierarchy[];
  /** Whether this process is in a user namespace, where device rules can't be set. */
  readonly inUserNamespace: boolean;
}

/** The parts of /proc that say so, as text. */
export interface CgroupFacts {
  /** /proc/self/mountinfo, see proc_pid_mountinfo(5). */
  readonly mountinfo: string;
  /** /proc/self/cgroup, see cgroups(7). */
  readonly cgroup: string;
  /** /proc/self/uid_map, see user_namespaces(7). */
  readonly uidMap: string;
}

/**
 * Looks at /proc to find the cgroups of this host.
 *
 * @param process whose own cgroups those are that paths start from, if not this program's
 * @param recent what was found last, which is given again if the texts are still the same
 * @throws {ContainerError} Unsupported if none is mounted
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { detectCgroups } from "./detect.ts";
 *
 * const host = detectCgroups();
 * assert(host.hierarchies.every((hierarchy) => hierarchy.mountPoint.startsWith("/")));
 * ```
 */
export function detectCgroups(
  process: number | "self" = "self",
  recent?: RecentHost,
): CgroupHost {
  const cgroup = readProc(`/proc/${process}/cgroup`);
  const known = recent?.find(cgroup);
  if (known !== undefined) return known;
  const own = parseOwnCgroups(cgroup);
  const mountinfo = readProc(MOUNTS, untilUsual(own.keys()));
  const host = hostOf(own, parseMounts(mountinfo), isInUserNamespace);
  recent?.keep(cgroup, host);
  return host;
}

const MOUNTS = "/proc/self/mountinfo";

/** What was found last, for a program that looks often. */
export class RecentHost implements Disposable {
  #cgroup: string | undefined;
  #host: CgroupHost | undefined;
  #mounts: Fd | undefined;
  #changed: SyscallProgram | undefined;

  /** What was found, if the mounts of this program are the same, and so is the text of own cgroups. */
  find(cgroup: string): CgroupHost | undefined {
    const haveChanged = this.#haveMountsChanged(); // the kernel tells of a change once
    if (haveChanged) this.#host = undefined;
    return this.#cgroup === cgroup ? this.#host : undefined;
  }

  /** Keeps it, if it was looked for before it was found out. */
  keep(cgroup: string, host: CgroupHost): void {
    this.#cgroup = cgroup;
    this.#host = host;
  }

  /** Closes what tells of changes. */
  [Symbol.dispose](): void {
    this.#mounts?.close();
    this.#mounts = this.#changed = this.#host = undefined;
  }

  /** Since it was asked before: proc_pid_mounts(5). */
  #haveMountsChanged(): boolean {
    if (this.#changed === undefined) {
      this.#mounts ??= open(MOUNTS);
      this.#changed = new SyscallProgram([readiness(this.#mounts, AT_ONCE, EPOLLPRI)]);
      return true;
    }
    this.#changed.run();
    return this.#changed.result(0) !== 0;
  }
}

/** The same for containers without cgroups, which a host without any can have. */
export function detectAnyCgroups(process?: number, recent?: RecentHost): CgroupHost {
  try {
    return detectCgroups(process, recent);
  } catch (error) {
    if (!(error instanceof ContainerError)) throw error;
    return { version: 2, hierarchies: [], inUserNamespace: false };
  }
}

/**
 * Tells when enough of mountinfo is read: when every hierarchy has been seen at its usual place.
 * Those are among the first mounts of a host. A host may have thousands, and the kernel only
 * produces the part that is read.
 *
 * @param names the controllers of all hierarchies
 */
export function untilUsual(names: Iterable<string>): (more: string) => boolean {
  const missing = new Set(names);
  let rest = "";
  return (more) => {
    const lines = (rest + more).split("\n");
    rest = lines.pop() ?? ""; // a line may be cut anywhere
    for (const line of lines) {
      if (!line.includes(CGROUP_MOUNT)) continue;
      const [, version, options = ""] = USUAL.exec(line) ?? [];
      if (version === "2") missing.delete("");
      else for (const name of options.split(",")) missing.delete(name);
    }
    return missing.size === 0;
  };
}

/** Every line of mountinfo about cgroups contains this; most other lines don't. */
const CGROUP_MOUNT = " - cgroup";

/** A line of mountinfo for a mount at a usual place. */
const USUAL = /^\S+ \S+ \S+ \S+ \/sys\/fs\/cgroup[ /].* - cgroup(2?) \S+ (\S+)$/;

/**
 * The same from given texts.
 *
 * @throws {ContainerError} Unsupported if none is mounted
 */
export function readCgroupHost({ cgroup, mountinfo, uidMap }: CgroupFacts): CgroupHost {
  return hostOf(parseOwnCgroups(cgroup), parseMounts(mountinfo), () => isPartial(uidMap));
}

function hostOf(
  own: ReadonlyMap<string, string>,
  mounts: readonly CgroupMount[],
  isInNamespace: () => boolean,
): CgroupHost {
  const version = chooseVersion(mounts);
  const hierarchies: CgroupHierarchy[] = [];
  const seen = new Set<string>();
  for (const mount of mounts) {
    const controllers = mount.version === 2
      ? [""]
      : mount.options.filter((option) => own.has(option) && option !== "");
    if (controllers.length === 0 || controllers.some((name) => seen.has(name))) continue;
    controllers.forEach((name) => seen.add(name));
    const cgroup = own.get(controllers[0] as string) ?? "/";
    hierarchies.push({
      controllers,
      mountPoint: mount.point,
      ownFolder: visibleFolder(mount, cgroup),
    });
  }
  let inUserNamespace: boolean | undefined;
  return {
    version,
    hierarchies: version === 2 ? hierarchies.filter((h) => h.controllers[0] === "") : hierarchies,
    get inUserNamespace() { // who only looks after a container doesn't ask
      return inUserNamespace ??= isInNamespace();
    },
  };
}

interface CgroupMount {
  readonly version: 1 | 2;
  /** The cgroup that is mounted here, "/" unless a part of the tree was bound. */
  readonly root: string;
  readonly point: string;
  readonly options: readonly string[];
}

/** The mounts of cgroup file systems, those under /sys/fs/cgroup first. */
function parseMounts(mountinfo: string): CgroupMount[] {
  const mounts: CgroupMount[] = [];
  for (const line of mountinfo.split("\n")) {
    if (!line.includes(CGROUP_MOUNT)) continue;
    const mount = parseMountLine(line);
    if (mount?.type !== "cgroup" && mount?.type !== "cgroup2") continue;
    const { type, root, point, superOptions } = mount;
    mounts.push({ version: type === "cgroup" ? 1 : 2, root, point, options: superOptions });
  }
  const usual = (mount: CgroupMount) => /^\/sys\/fs\/cgroup(\/|$)/.test(mount.point) ? 0 : 1;
  return mounts.sort((a, b) => usual(a) - usual(b));
}

/** controller → cgroup, from lines `ID:CONTROLLERS:PATH`. */
function parseOwnCgroups(text: string): Map<string, string> {
  const own = new Map<string, string>();
  for (const line of text.split("\n")) {
    const match = /^\d+:([^:]*):(.*)$/.exec(line);
    for (const name of match?.[1]?.split(",") ?? []) own.set(name, match?.[2] as string);
  }
  return own;
}

function chooseVersion(mounts: readonly CgroupMount[]): 1 | 2 {
  const unified = mounts.find((mount) => mount.version === 2);
  if (unified?.point === "/sys/fs/cgroup") return 2;
  const controllers = mounts.some(
    (mount) => mount.version === 1 && !mount.options.some((option) => option.startsWith("name=")),
  );
  if (controllers) return 1;
  if (unified !== undefined) return 2;
  throw new ContainerError("Unsupported", "no cgroup file system is mounted", {
    step: "cgroups",
    path: "/sys/fs/cgroup",
    hint: "mount cgroup2 at /sys/fs/cgroup, or choose the cgroup driver disabled",
  });
}

/** Where a cgroup shows under a mount that may hold only a part of the tree. */
function visibleFolder(mount: CgroupMount, cgroup: string): string {
  const root = mount.root === "/" ? "" : mount.root;
  const inside = cgroup === root || cgroup.startsWith(root + "/") ? cgroup.slice(root.length) : "";
  return (mount.point + inside).replace(/(.)\/$/, "$1");
}

/** Reads a file, whole or until `isEnough` says so of the parts. */
function readProc(path: string, isEnough: (more: string) => boolean = () => false): string {
  try {
    using file = open(path);
    const decoder = new TextDecoder();
    let text = "";
    for (;;) {
      const chunk = read(file, CHUNK);
      if (chunk === undefined || chunk.length === 0) return text;
      const more = decoder.decode(chunk, { stream: true });
      text += more;
      if (isEnough(more)) return text;
    }
  } catch (error) {
    throw cgroupError(`cannot read ${path}`, error, path);
  }
}
