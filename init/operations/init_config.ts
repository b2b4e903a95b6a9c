/**
 * What the parent sends to init: the container's config merged with the process's, and the fds that
 * init inherits.
 *
 * @module
 */

import type { Config } from "../../src/config/types/config.ts";
import type { RootFile } from "./root_files.ts";
import type { LoadableFilter } from "../../src/security/filters/seccomp.ts";

/** A cgroup tree that a cgroup mount of the container shows. */
export interface CgroupMount {
  /** The name under the mount's destination, such as `cpu,cpuacct`. */
  readonly name: string;
  /** The controllers in it, such as `cpu` and `cpuacct`. */
  readonly controllers: readonly string[];
  /** The container's folder in it, on the host. */
  readonly source: string;
  /** Whether the folder is the caller's, so that the container must not change it. */
  readonly isShared?: boolean | undefined;
}

/** The container's cgroups, as init needs them. */
export interface InitCgroups {
  /** The version of the host's cgroup tree. */
  readonly version: 1 | 2;
  /** The files of the cgroups that init enters before execve, opened by the parent. */
  readonly late: readonly { readonly controller: string; readonly fd: number }[];
  /** What a cgroup mount shows on a v1 host. */
  readonly mounts: readonly CgroupMount[];
  /** Whether the container has no cgroup of its own in the v2 tree. */
  readonly isShared?: boolean | undefined;
}

/** The numbers in init by which a terminal is handed to the parent. */
export interface ConsoleFds {
  /** The socket to the parent. */
  readonly socket: number;
  /** A number that is kept free for the terminal's master end. */
  readonly master: number;
}

/** The numbers in a direct start's child by which it shows its parent the fds of its work. */
export interface WorkFds {
  readonly from: number;
  readonly to: number;
}

/** The fds that init inherits, by their numbers in init. */
export interface InitFds {
  /** The pipe or fifo on which init reports. */
  readonly status: number;
  /** The pipe on which the config came and the parent's go will. */
  readonly control: number;
  /** The fifo on which init waits for `start`. */
  readonly start: number;
  /** Set for a process with `process.terminal`. */
  readonly console?: ConsoleFds | undefined;
  /** Numbers that are kept free for the work that a direct start leaves to its parent. */
  readonly work?: WorkFds | undefined;
}

/** A mount that the parent made, detached and id-mapped, and its fd in init. */
export interface IdmappedFd {
  /** Its place in the config's `mounts`. */
  readonly mount: number;
  readonly fd: number;
}

/** What init is told when its start is traced. */
export interface InitTraceFd {
  /** Its fd of the memory that it writes its times to. */
  readonly fd: number;
  /** The number of the clock that is read. */
  readonly clock: number;
}

/** The whole message. */
export interface InitConfig {
  readonly id: string;
  /** The absolute path of the root file system on the host. */
  readonly rootfs: string;
  /** The container's config without `linux.seccomp`; its `process` is the one to run. */
  readonly config: Config;
  readonly seccomp?: LoadableFilter | undefined;
  readonly fds: InitFds;
  /** How many fds from 3 on the program keeps. */
  readonly preserveFds: number;
  readonly cgroups: InitCgroups;
  /** Whether the parent does something in the network namespace before the program may run. */
  readonly waitsForNetwork?: boolean | undefined;
  /** Leave the loopback interface of a new network namespace down. */
  readonly loopbackDown?: boolean | undefined;
  /** Whether hull itself is in a user namespace, where mknod of a device is refused. */
  readonly inUserNamespace?: boolean | undefined;
  /** Don't use pivot_root. */
  readonly noPivot: boolean;
  /** The name of its session keyring; empty: it keeps the caller's. */
  readonly keyring: string;
  /** The id-mapped mounts. */
  readonly idmapped?: readonly IdmappedFd[] | undefined;
  /** Make the root a tmpfs and fill it with the rootfs's files: for the built-in default. */
  readonly onTmpfs?: boolean | undefined;
  /** The files of that tmpfs, in place of the rootfs's, which has none then. */
  readonly rootFiles?: readonly RootFile[] | undefined;
  /** How many bytes that tmpfs may hold; half of the memory without it, as any. */
  readonly rootBytes?: number | undefined;
  /**
   * A folder whose files are laid over the rootfs's; on both lies a tmpfs, in which all changes are.
   * It has a folder `dev`. Without it there is no overlay.
   */
  readonly overlay?: string | undefined;
  /**
   * A program of the container that init becomes in place of the config's, with the config's for its
   * arguments: it starts that as its child. Without it init becomes the config's program.
   */
  readonly reaper?: string | undefined;
  /** Set if the start is traced. */
  readonly trace?: InitTraceFd | undefined;
}
