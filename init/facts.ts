/**
 * What is known about the host and the rootfs before a plan is made. Facts only choose the
 * operations: a rootfs that changes meanwhile makes an operation fail, never act elsewhere.
 *
 * @module
 */

import { SyscallError } from "../ffi/errno.ts";
import { AT_FDCWD, Fd, O_PATH, open, readText } from "../ffi/file.ts";
import {
  type FileStatus,
  S_IFCHR,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  statAt,
  tryStatPath,
} from "../ffi/file_status.ts";
import { lastCapability } from "../ffi/kernel_constants.ts";
import { accountLines, homeIn } from "../src/security/account_file.ts";
import { hasOpenat2 } from "../src/security/safe_path.ts";

/** What stands at a path. `unknown`: on a file system whose content can't be known beforehand. */
export type FileKind = "directory" | "file" | "symlink" | "missing" | "unknown";

/** Where a path inside the container leads, its symbolic links resolved in the container's root. */
export interface Destination {
  /** The components of the resolved path. */
  readonly components: readonly string[];
  /** How many of the last components are not there yet. */
  readonly missing: number;
  /** What stands there. */
  readonly kind: FileKind;
  /** The permissions of what stands there. */
  readonly mode: number | undefined;
}

/** A file's type with its permissions, and the number of a device. */
export interface NodeStatus {
  readonly mode: number;
  readonly major: number;
  readonly minor: number;
}

/** What a plan needs to know. The tests have one from a table, hull one from the host. */
export interface Facts {
  /** What stands at a path of the host; links are followed. */
  hostKind(path: string): FileKind;
  /**
   * Where a path leads inside the container.
   *
   * @param mounts how many of the config's mounts are made already
   */
  destination(path: string, mounts: number): Destination;
  /**
   * What stands at a path inside the container whose links are resolved; a link at its end counts
   * as what it is. Undefined where nothing stands or nothing can be known beforehand.
   */
  node(components: readonly string[], mounts: number): NodeStatus | undefined;
  /** What stands at a path of the host; links are followed. */
  hostNode(path: string): NodeStatus | undefined;
  /** Whether this kernel has openat2, and no filter forbids it. */
  readonly hasOpenat2: boolean;
  /** Whether this kernel copies a mount that is attached nowhere (Linux 6.15). */
  readonly copiesDetached: boolean;
  /** The home folder of a user, from the container's passwd(5). */
  home(uid: number): string | undefined;
  /** Whether hull itself is in a user namespace that denies setgroups. */
  readonly deniesGroups: boolean;
  /** The signals that hull's process ignores and the container's must not. */
  readonly ignoredSignals: readonly number[];
  /** The number of the kernel's last capability. */
  readonly lastCapability: number;
  /** Which of the fds 0, 1 and 2 belong to this container alone: not the host's /dev/null. */
  readonly ownedFds: readonly number[];
}

/** A mount as far as facts care. */
export interface MountedAt {
  readonly destination: string;
  /** The host's folder or file that shows there; undefined for a file system that starts empty. */
  readonly base: string | undefined;
  /** Whether what it shows can't be known beforehand. */
  readonly opaque: boolean;
}

/** A path of the container as one of the host. */
interface HostPath {
  /** Undefined on a file system that is the container's alone. */
  readonly base?: string;
  readonly below: string;
  /** Whether what stands there can't be known. */
  readonly opaque: boolean;
}

/** The C library's own: whether they are ignored or have a handler at the moment is chance. */
const LIBRARY_SIGNALS: ReadonlySet<number> = new Set([32, 33]);

/** The number of links after which a path is taken to be a circle, as the kernel has it. */
const MAX_LINKS = 40;

/** The facts of this host for one container. */
export class HostFacts implements Facts {
  readonly #rootfs: string;
  readonly #mounts: readonly MountedAt[];
  readonly #streams: readonly number[];
  readonly #seen = new Map<string, Look>();

  /**
   * Facts about a container.
   *
   * @param rootfs the absolute path of its root file system on the host
   * @param mounts its mounts, in order
   * @param streams the fds of this program that are its fds 0, 1 and 2
   */
  constructor(
    rootfs: string,
    mounts: readonly MountedAt[],
    streams: readonly number[] = [0, 1, 2],
  ) {
    this.#rootfs = rootfs;
    this.#mounts = mounts;
    this.#streams = streams;
  }

  hostKind(path: string): FileKind {
    return kindOf(statPath(path, true));
  }

  destination(path: string, mounts: number): Destination {
    const resolved: string[] = [];
    let rest = path.split("/").filter((part) => part !== "" && part !== ".");
    let links = 0;
    let kind: FileKind = "directory";
    let mode: number | undefined;
    for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
      if (part === "..") {
        resolved.pop();
        continue;
      }
      const here = this.#look([...resolved, part], mounts);
      kind = here.kind;
      mode = here.mode;
      if (kind === "missing") {
        const missing = [part, ...rest.filter((next) => next !== "..")];
        return { components: [...resolved, ...missing], missing: missing.length, kind, mode };
      }
      if (kind === "symlink" && here.target !== undefined && ++links <= MAX_LINKS) {
        if (here.target.startsWith("/")) resolved.length = 0;
        rest = [...here.target.split("/").filter((next) => next !== "" && next !== "."), ...rest];
        kind = "directory";
        continue;
      }
      resolved.push(part);
    }
    return { components: resolved, missing: 0, kind, mode };
  }

  node(components: readonly string[], mounts: number): NodeStatus | undefined {
    const { base, below } = this.#hostPath(components, mounts);
    if (base === undefined) return undefined;
    try {
      return nodeOf(statAt(AT_FDCWD, base + below));
    } catch {
      return undefined; // it is missing, or fails in the plan
    }
  }

  hostNode(path: string): NodeStatus | undefined {
    try {
      using file = open(path, O_PATH);
      return nodeOf(statAt(file, ""));
    } catch {
      return undefined; // who asks for it says so
    }
  }

  get hasOpenat2(): boolean {
    return hasOpenat2();
  }

  get copiesDetached(): boolean {
    const [major = 0, minor = 0] = readText("/proc/sys/kernel/osrelease").split(".").map(
      parseFloat,
    );
    return major > 6 || (major === 6 && minor >= 15);
  }

  home(uid: number): string | undefined {
    const { components, kind } = this.destination("/etc/passwd", this.#mounts.length);
    const { base, below } = this.#hostPath(components, this.#mounts.length);
    if (kind !== "file" || base === undefined) return undefined;
    return homeBelow(base, below, uid);
  }

  get deniesGroups(): boolean {
    try {
      return readText("/proc/self/setgroups").startsWith("deny");
    } catch {
      return false; // then the kernel's refusal is an error
    }
  }

  get ignoredSignals(): readonly number[] {
    const status = readText("/proc/self/status");
    const mask = BigInt(`0x${/^SigIgn:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
    return Array.from({ length: 64 }, (_, k) => k + 1)
      .filter((signal) => LIBRARY_SIGNALS.has(signal) || (mask >> BigInt(signal - 1)) & 1n);
  }

  get lastCapability(): number {
    return lastCapability();
  }

  get ownedFds(): readonly number[] {
    return [0, 1, 2].filter((number) => {
      const fd = new Fd(this.#streams[number] ?? number);
      const { mode, deviceMajor, deviceMinor } = statAt(fd, "");
      fd.release();
      return (mode & S_IFMT) !== S_IFCHR || deviceMajor !== 1 || deviceMinor !== 3;
    });
  }

  /** Which folder or file of the host shows there, and the rest of the way below it. */
  #hostPath(components: readonly string[], mounts: number): HostPath {
    const inside = "/" + components.join("/");
    for (let k = mounts - 1; k >= 0; k--) {
      const { destination, base, opaque } = this.#mounts[k] as MountedAt;
      if (inside !== destination && !inside.startsWith(`${destination}/`)) continue;
      const below = inside.slice(destination.length);
      if (base === undefined) return { below, opaque: opaque && below !== "" };
      return { base, below, opaque: false };
    }
    return { base: this.#rootfs, below: inside, opaque: false };
  }

  /** A plan asks for the same folders again and again. */
  #look(components: readonly string[], mounts: number): Look {
    const { base, below, opaque } = this.#hostPath(components, mounts);
    if (opaque) return { kind: "unknown", mode: undefined };
    if (base === undefined) {
      const inside = "/" + components.join("/");
      const isMountPoint = this.#mounts.slice(0, mounts).some((m) => m.destination === inside);
      return { kind: isMountPoint ? "directory" : "missing", mode: undefined };
    }
    const path = base + below;
    const seen = this.#seen.get(path) ?? lookAt(path);
    this.#seen.set(path, seen);
    return seen;
  }
}

/** What stands at a path of the host. */
interface Look {
  readonly kind: FileKind;
  readonly mode: number | undefined;
  /** Of a link. */
  readonly target?: string;
}

function lookAt(path: string): Look {
  const status = statPath(path, false);
  const kind = kindOf(status);
  const mode = status === undefined ? undefined : status.mode & 0o7777;
  if (kind !== "symlink") return { kind, mode };
  const target = linkTarget(path);
  return target === undefined ? { kind: "unknown", mode } : { kind, mode, target };
}

/** The host's /proc has links that not every process may read. */
function linkTarget(path: string): string | undefined {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return undefined; // what is done with it fails in the plan, with its errno
  }
}

function nodeOf({ mode, deviceMajor, deviceMinor }: FileStatus): NodeStatus {
  return { mode, major: deviceMajor, minor: deviceMinor };
}

/** What can't be looked at fails in the plan, with its errno. */
function statPath(path: string, follow: boolean): FileStatus | undefined {
  const status = tryStatPath(path, follow);
  return typeof status === "number" ? undefined : status;
}

function kindOf(status: FileStatus | undefined): FileKind {
  if (status === undefined) return "missing";
  const type = status.mode & S_IFMT;
  if (type === S_IFLNK) return "symlink";
  return type === S_IFDIR ? "directory" : "file";
}

/** What was a file a moment ago may be a link to the host's passwd, or a fifo, by now. */
function homeBelow(base: string, below: string, uid: number): string | undefined {
  try {
    using root = open(base, O_PATH);
    return homeIn(accountLines(root, below), uid);
  } catch (error) {
    if (error instanceof SyscallError) return undefined;
    throw error;
  }
}
