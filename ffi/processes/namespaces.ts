/**
 * Namespaces and clone3: the flags, and the structure that clone3 takes.
 *
 * Source: namespaces(7), clone(2).
 *
 * @module
 */

import { SIGCHLD } from "../c/signal_numbers.ts";
import type { Fd } from "../files/file.ts";
import { checked, libc } from "../c/libc.ts";
import type { Space, Words } from "../program/operation.ts";

/** The flag of each namespace, by the name that the OCI spec gives it. */
export const NAMESPACE_FLAGS = {
  time: 0x00000080,
  mount: 0x00020000,
  cgroup: 0x02000000,
  uts: 0x04000000,
  ipc: 0x08000000,
  user: 0x10000000,
  pid: 0x20000000,
  network: 0x40000000,
} as const;

/** The spec's name of a namespace. */
export type NamespaceName = keyof typeof NAMESPACE_FLAGS;

/** The file of each namespace in /proc/PID/ns. */
export const NAMESPACE_FILES: Readonly<Record<NamespaceName, string>> = {
  time: "time",
  mount: "mnt",
  cgroup: "cgroup",
  uts: "uts",
  ipc: "ipc",
  user: "user",
  pid: "pid",
  network: "net",
};

/** The child shares the parent's memory. */
export const CLONE_VM = 0x00000100;
/** The calling thread waits until the child has called execve or ended. */
export const CLONE_VFORK = 0x00004000;
/** The child shares the parent's file descriptors. */
export const CLONE_FILES = 0x00000400;
/** The child's parent is the caller's. */
export const CLONE_PARENT = 0x00008000;
/** The caller gets a pidfd. */
export const CLONE_PIDFD = 0x00001000;
/** The kernel writes the child's number into the parent's memory. */
export const CLONE_PARENT_SETTID = 0x00100000;
/** The thread's own current folder and umask; setns to a mount namespace asks for it. */
export const CLONE_FS = 0x00000200;
/** Handlers go back to their defaults in the child. */
export const CLONE_CLEAR_SIGHAND = 0x100000000n;
/** The child starts in the cgroup of an fd (cgroup v2): see {@linkcode CloneOptions.cgroup}. */
export const CLONE_INTO_CGROUP = 0x200000000n;

/** What clone3 is told beyond its flags. */
export interface CloneOptions {
  /** The name of the space that receives the pidfd, with CLONE_PIDFD. */
  readonly pidfd?: string | undefined;
  /** What receives the child's number, or its address, with CLONE_PARENT_SETTID. */
  readonly pid?: Space | bigint | undefined;
  /** The fd of a v2 cgroup in which the child is born: CLONE_INTO_CGROUP. */
  readonly cgroup?: number | undefined;
  /** The signal that the child's end raises: SIGCHLD; 0 with CLONE_PARENT, which inherits it. */
  readonly exitSignal?: number | undefined;
}

/** The size of struct clone_args up to and including `cgroup`. */
export const CLONE_ARGS_SIZE = 88;

/** struct clone_args: clone(2). */
export function cloneArguments(flags: number | bigint, options: CloneOptions = {}): Words {
  const pidfd = options.pidfd === undefined ? 0 : { space: 4, name: options.pidfd };
  const { cgroup, exitSignal = SIGCHLD, pid = 0 } = options;
  const all = cgroup === undefined ? flags : BigInt(flags) | CLONE_INTO_CGROUP;
  return { words: [all, pidfd, 0, pid, exitSignal, 0, 0, 0, 0, 0, cgroup ?? 0] };
}

/**
 * Moves the calling thread into a namespace: setns(2). A pid namespace receives its children.
 *
 * @throws {SyscallError}
 */
export function setns(namespace: Fd, flag: number): void {
  checked("setns", libc.setns(namespace.number, flag));
}

const NS_GET_NSTYPE = 0xb703;

/**
 * The type of the namespace that an open file is, as its CLONE_NEW… flag: ioctl_nsfs(2).
 *
 * @throws {SyscallError} ENOTTY if the file is no namespace
 */
export function namespaceType(namespace: Fd): number {
  return checked("ioctl", libc.ioctl(namespace.number, NS_GET_NSTYPE, 0));
}

/**
 * Gives the calling thread new namespaces: unshare(2).
 *
 * @throws {SyscallError}
 */
export function unshare(flags: number): void {
  checked("unshare", libc.unshare(flags));
}
