/**
 * What a container will find in its root file system under the mounts of its config, worked out
 * before any of them is made.
 *
 * @module
 */

import { AT_FDCWD } from "../../ffi/files/file.ts";
import { statAt } from "../../ffi/files/file_status.ts";
import { MAX_LINKS, pathNames } from "../../ffi/files/path.ts";
import type { RootFiles } from "./root_files.ts";
import { MountPlaces } from "./mount_places.ts";
import type { Destination, FileKind, MountedAt, NodeStatus } from "./facts.ts";
import { kindOf, nodeOf, statPath } from "./host_files.ts";

/** A path of the container as one of the host. */
export interface HostPath {
  /** Undefined on a file system that is the container's alone. */
  readonly base?: string;
  readonly below: string;
  /** Whether what stands there can't be known. */
  readonly opaque: boolean;
  /** The place among the config's mounts of the one that it is on; undefined for the rootfs. */
  readonly mount?: number;
}

/** The root file system of one container with its mounts, as it will be. */
export class RootfsView {
  readonly #rootfs: string;
  readonly #files: RootFiles | undefined;
  readonly #mounts: readonly MountedAt[];
  readonly #seen = new Map<string, Look>();
  /** Where the config's mounts will be, as far as anybody has asked. */
  readonly #places: Destination[] = [];
  readonly #index = new MountPlaces();
  #firstUnsure = Infinity;
  readonly #found = new Map<string, Destination>();

  /**
   * What can be seen of a container before it is made.
   *
   * @param rootfs the absolute path of its root file system on the host
   * @param mounts its mounts, in order
   * @param files what its root will hold, if that is not what the rootfs holds
   */
  constructor(rootfs: string, mounts: readonly MountedAt[], files?: RootFiles) {
    this.#rootfs = rootfs;
    this.#files = files;
    this.#mounts = mounts;
  }

  /** See {@linkcode Facts.destination}. */
  destination(path: string, mounts: number): Destination {
    if (this.#mounts[mounts]?.destination === path) return this.#placeOf(mounts);
    const key = `${mounts} ${path}`;
    const known = this.#found.get(key);
    if (known !== undefined) return known;
    const found = this.#resolve(path, mounts);
    this.#found.set(key, found);
    return found;
  }

  /** See {@linkcode Facts.node}. */
  node(components: readonly string[], mounts: number): NodeStatus | undefined {
    const { base, below, mount } = this.hostPath(components, mounts);
    if (base === undefined) return undefined;
    if (mount === undefined && this.#files !== undefined) return this.#files.node(below);
    try {
      return nodeOf(statAt(AT_FDCWD, base + below));
    } catch {
      return undefined; // it is missing, or fails in the plan
    }
  }

  #resolve(path: string, mounts: number): Destination {
    this.#learn(mounts);
    const resolved: string[] = [];
    let rest = pathNames(path);
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
      if (here.kind === "symlink" && here.target !== undefined) {
        if (++links > MAX_LINKS) return endless(path);
        if (here.target.startsWith("/")) resolved.length = 0;
        rest = [...pathNames(here.target), ...rest];
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

  /** Where a mount of the config is, once it is made. */
  #placeOf(k: number): Destination {
    this.#learn(k + 1);
    return this.#places[k] as Destination;
  }

  /**
   * Finds the places of the first mounts, one after the other, since each may change where the next
   * one is.
   */
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
  hostPath(components: readonly string[], mounts: number): HostPath {
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
    const { base, below, opaque, mount } = this.hostPath(components, mounts);
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
    const seen = this.#seen.get(path) ??
      (mount === undefined && this.#files !== undefined ? this.#files.look(below) : lookAt(path));
    this.#seen.set(path, seen);
    if (seen.kind === "missing" && this.#isMade(components, mounts, mount)) {
      return { kind: "directory", mode: undefined, isSure: mount === undefined };
    }
    if (mount === undefined) return { ...seen, isSure: true };
    // The kernel's own file systems look nearly as on the host, but their links lead elsewhere.
    const isKernels = KERNELS.includes(base) && !(this.#mounts[mount] as MountedAt).opaque;
    const isSure = isKernels && seen.kind !== "symlink";
    return { ...seen, isSure, mode: undefined, kind: isKernels && !isSure ? "unknown" : seen.kind };
  }

  /**
   * Whether this folder was made for a mount, at its place or above it. Only mounts behind the one
   * that the folder would be on count, since that one hides what was made before.
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

/** A path whose links have no end: who opens it by its name gets the kernel's ELOOP. */
function endless(path: string): Destination {
  const components = pathNames(path).filter((name) => name !== "..");
  return { components, missing: 0, kind: "unknown", mode: undefined, isSure: false };
}

/** Where these are mounted, the kernel's own files show. */
export const KERNELS: readonly string[] = ["/proc", "/sys"];

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
