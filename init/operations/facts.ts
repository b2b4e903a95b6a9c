/**
 * What is known about the host and the rootfs before a plan is made. Facts save work; they never
 * decide what is safe. They only choose among the operations, and each operation checks for itself:
 * if the rootfs changes meanwhile, an operation fails, but never acts on another place.
 *
 * @module
 */

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
   * Whether no earlier mount can change it. If one can, the fields above don't count, and the path
   * is opened by its name when its turn comes.
   */
  readonly isSure: boolean;
}

/** A file's type with its permissions, and the number of a device. */
export interface NodeStatus {
  readonly mode: number;
  readonly major: number;
  readonly minor: number;
}

/** What a plan needs to know. In tests the answers come from a table, otherwise from the host. */
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

/** What facts need to know of a mount. */
export interface MountedAt {
  readonly destination: string;
  /** The host's folder or file that shows there; undefined for a file system that starts empty. */
  readonly base: string | undefined;
  /** Whether what it shows can't be known beforehand. */
  readonly opaque: boolean;
  /** Whether it changes what is mounted there already. */
  readonly isRemount: boolean;
}
