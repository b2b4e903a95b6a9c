/**
 * What is known about the host and the rootfs before a plan is made. Facts only choose the
 * operations: a rootfs that changes meanwhile makes an operation fail, never act elsewhere.
 *
 * @module
 */

import { SyscallError } from "../../ffi/c/errno.ts";
import { AT_FDCWD, Fd, O_PATH, open, readText } from "../../ffi/files/file.ts";
import {
  type FileStatus,
  S_IFCHR,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  statAt,
  tryStatPath,
} from "../../ffi/files/file_status.ts";
import { lastCapability } from "../../ffi/files/kernel_constants.ts";
import { accountLines, homeIn } from "../../src/security/account_file.ts";
import { hasOpenat2 } from "../../src/security/safe_path.ts";
import { MountPlaces } from "./mount_places.ts";

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
  /** The permissions of what stands there; undefined where they can't be known beforehand. */
  readonly mode: number | undefined;
  /**
   * Whether no mount that is made before can change it. Where one can, nothing of the above counts:
   * the path is opened by its name at its turn.
   */
  readonly isSure: boolean;
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
  /** Where the host has proc and sysfs mounted, outside of a folder, the last mounted first. */
  kernelMounts(outside: string): readonly string[];
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
  /** Whether it changes what is mounted there already. */
  readonly isRemount: boolean;
}

/** A path of the container as one of the host. */
interface HostPath {
  /** Undefined on a file system that is the container's alone. */
  readonly base?: string;
  readonly below: string;
  /** Whether what stands there can't be known. */
  readonly opaque: boolean;
  /** The place among the config's mounts of the one that it is on; undefined for the rootfs. */
  readonly mount?: number;
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
  /** Where the config's mounts will be, as far as it was asked. */
  readonly #places: Destination[] = [];
  readonly #index = new MountPlaces();
  #firstUnsure = Infinity;
  readonly #found = new Map<string, Destination>();
  #hasOpenat2: boolean | undefined;
  #copiesDetached: boolean | undefined;

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
    if (this.#mounts[mounts]?.destination === path) return this.#placeOf(mounts);
    const key = `${mounts} ${path}`;
    const known = this.#found.get(key);
    if (known !== undefined) return known;
    const found = this.#resolve(path, mounts);
    this.#found.set(key, found);
    return found;
  }

  #resolve(path: string, mounts: number): Destination {
    this.#learn(mounts);
    const resolved: string[] = [];
    let rest = path.split("/").filter((part) => part !== "" && part !== ".");
    let [links, missing] = [0, 0];
    let isSure = this.#firstUnsure >= mounts;
    for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
      if (part === "..") {
        resolved.pop();
        missing = Math.max(0, missing - 1);
        continue;
      }
      // What is missing has no links: a `..` behind it takes it back, and it is not made.
      const here = missing > 0 ? MISSING : this.#look([...resolved, part], mounts);
      isSure &&= here.isSure;
      if (here.kind === "symlink" && here.target !== undefined && ++links <= MAX_LINKS) {
        if (here.target.startsWith("/")) resolved.length = 0;
        rest = [...here.target.split("/").filter((next) => next !== "" && next !== "."), ...rest];
        continue;
      }
      if (here.kind === "missing") missing++;
      resolved.push(part);
    }
    if (missing > 0) {
      return { components: resolved, missing, kind: "missing", mode: undefined, isSure };
    }
    const { kind, mode } = resolved.length === 0
      ? { kind: "directory", mode: undefined } as const
      : this.#look(resolved, mounts);
    return { components: resolved, missing, kind, mode, isSure };
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
    return this.#hasOpenat2 ??= hasOpenat2();
  }

  get copiesDetached(): boolean {
    return this.#copiesDetached ??= isSince(6, 15);
  }

  kernelMounts(outside: string): readonly string[] {
    return readText("/proc/self/mountinfo").split("\n").flatMap((line) => {
      const [before = "", after = ""] = line.split(" - ");
      const place = (before.split(" ")[4] ?? "").replace(
        /\\([0-7]{3})/g,
        (_, octal: string) => String.fromCharCode(parseInt(octal, 8)),
      );
      const isInside = place === outside || place.startsWith(`${outside}/`);
      return /^(proc|sysfs) /.test(after) && !isInside ? [place] : [];
    }).reverse();
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
    if (mask === 0n) return [...LIBRARY_SIGNALS];
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

  /** Where a mount of the config is, once it is made. */
  #placeOf(k: number): Destination {
    this.#learn(k + 1);
    return this.#places[k] as Destination;
  }

  /** Finds the places of the first mounts, one behind the other: each may change where the next is. */
  #learn(mounts: number): void {
    for (let k = this.#places.length; k < mounts; k++) {
      const { destination, isRemount } = this.#mounts[k] as MountedAt;
      const place = this.#resolve(destination, k);
      this.#places.push(place);
      this.#index.add(k, place.components, !isRemount);
      if (!place.isSure) this.#firstUnsure = Math.min(this.#firstUnsure, k);
    }
  }

  /** Which folder or file of the host shows there, and the rest of the way below it. */
  #hostPath(components: readonly string[], mounts: number): HostPath {
    this.#learn(mounts);
    const shown = this.#index.showing(components, mounts);
    if (shown === undefined) {
      return { base: this.#rootfs, below: "/" + components.join("/"), opaque: false };
    }
    const { mount, depth } = shown;
    const { base, opaque } = this.#mounts[mount] as MountedAt;
    const below = depth === components.length ? "" : "/" + components.slice(depth).join("/");
    if (base === undefined) return { below, opaque: opaque && below !== "", mount };
    return { base, below, opaque: false, mount };
  }

  /** A plan asks for the same folders again and again. */
  #look(components: readonly string[], mounts: number): Look & { readonly isSure: boolean } {
    const { base, below, opaque, mount } = this.#hostPath(components, mounts);
    if (opaque) return { kind: "unknown", mode: undefined, isSure: false };
    if (base === undefined) {
      const kind = below === "" || this.#isMade(components, mounts, mount)
        ? "directory"
        : "missing";
      return {
        kind,
        mode: undefined,
        isSure: below === "" || mount === undefined || this.#isFresh(mount),
      };
    }
    const path = base + below;
    const seen = this.#seen.get(path) ?? lookAt(path);
    this.#seen.set(path, seen);
    if (seen.kind === "missing" && this.#isMade(components, mounts, mount)) {
      return { kind: "directory", mode: undefined, isSure: mount === undefined };
    }
    if (mount === undefined) return { ...seen, isSure: true };
    // The kernel's own file systems are nearly as the host's, but their links lead elsewhere.
    const isKernels = KERNELS.includes(base) && !(this.#mounts[mount] as MountedAt).opaque;
    const isSure = isKernels && seen.kind !== "symlink";
    return { ...seen, isSure, mode: undefined, kind: isKernels && !isSure ? "unknown" : seen.kind };
  }

  /**
   * Whether a mount that is made by then has had this folder made, at its place or above it: after the
   * mount that it would be on, which hides what was made before.
   */
  #isMade(components: readonly string[], mounts: number, on: number | undefined): boolean {
    return this.#index.hasBelow(components, on === undefined ? 0 : on + 1, mounts);
  }

  /** Whether a mount holds nothing but what the plan itself makes in it. */
  #isFresh(k: number): boolean {
    const { base, opaque } = this.#mounts[k] as MountedAt;
    return base === undefined && !opaque;
  }
}

/** Whether this kernel is of a version or a later one. */
function isSince(major: number, minor: number): boolean {
  const [ownMajor = 0, ownMinor = 0] = readText("/proc/sys/kernel/osrelease").split(".")
    .map(parseFloat);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}

/** What shows where these are mounted is the kernel's. */
const KERNELS: readonly string[] = ["/proc", "/sys"];

const MISSING = { kind: "missing", mode: undefined, target: undefined, isSure: true } as const;

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
