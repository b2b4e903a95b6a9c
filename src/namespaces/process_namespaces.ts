/**
 * The namespaces of a running process, opened from outside.
 *
 * Source: namespaces(7), setns(2).
 *
 * @module
 */

import { readText } from "../../ffi/files/file.ts";
import { readStatus, statusField } from "../../ffi/processes/process_status.ts";
import { EINTR, ENOENT, SyscallError } from "../../ffi/c/errno.ts";
import { AT_FDCWD, type Fd, O_DIRECTORY, O_PATH, open } from "../../ffi/files/file.ts";
import { decodeStatus, STATUS_SIZE } from "../../ffi/files/file_status.ts";
import type { Operation } from "../../ffi/program/operation.ts";
import { readiness } from "../../ffi/waiting/poll.ts";
import { SyscallProgram } from "../../ffi/program/program.ts";
import {
  NAMESPACE_FILES,
  NAMESPACE_FLAGS,
  type NamespaceName,
} from "../../ffi/processes/namespaces.ts";

/** The namespaces of a running process, as far as they aren't this program's own. */
export interface JoinTarget {
  /** The process's pidfd. */
  readonly pidfd: number;
  /** The flags of the namespaces to join. */
  readonly flags: number;
  /** Its root, where that isn't the root of its mount namespace. */
  readonly root: number | undefined;
}

/** What another process of a container must join, with the fds held open. */
export interface OpenedNamespaces extends Disposable {
  readonly target: JoinTarget;
  /** Whether a user namespace is among them. */
  readonly hasUser: boolean;
  /** Whether it still lived then: if so, all that was opened by its pid before is its own. */
  readonly isAlive: boolean;
}

/**
 * Looks which namespaces a process doesn't share with this program, and opens the way into them.
 *
 * @param pid a process whose number can't be reused meanwhile: an unreaped child of this program,
 *   or a process that the caller checks by `pidfd` afterwards
 * @param pidfd the same process; stays the caller's
 * @param ownsMounts whether its root is the root of its mount namespace
 * @throws {SyscallError} if it has ended
 */
export function openNamespaces(pid: number, pidfd: Fd, ownsMounts: boolean): OpenedNamespaces {
  const all = Object.keys(NAMESPACE_FLAGS) as NamespaceName[];
  using stack = new DisposableStack();
  const root = ownsMounts
    ? undefined
    : stack.use(open(`/proc/${pid}/root`, O_PATH | O_DIRECTORY)).number;
  const places = all.flatMap((name) => [path("self", name), path(pid, name)]);
  const { inodes, isAlive } = inodesOf(places, pidfd);
  const names = all.filter((_, k) => inodes[2 * k] !== inodes[2 * k + 1]);
  const flags = names.reduce((all, name) => all | NAMESPACE_FLAGS[name], 0);
  const kept = stack.move();
  return {
    target: {
      pidfd: pidfd.number,
      flags,
      root,
    },
    hasUser: names.includes("user"),
    isAlive,
    [Symbol.dispose]: () => kept.dispose(),
  };
}

/**
 * The inodes of files, all asked for at once, and whether a process lives when that is done. A kernel
 * without a kind of namespace has no file of it, for any process.
 */
function inodesOf(
  places: readonly string[],
  pidfd: Fd,
): { readonly inodes: readonly (bigint | undefined)[]; readonly isAlive: boolean } {
  const program = new SyscallProgram([
    ...places.map((place): Operation => ({
      syscall: "statx",
      args: [AT_FDCWD, place, 0, STATX_INO, { space: STATUS_SIZE, name: place }],
      onError: "continue",
    })),
    { ...readiness(pidfd), label: ENDED },
  ]);
  // A signal to this thread ends the poll without an answer, also one that does not wait.
  do program.run(); while (program.result(ENDED) === -EINTR);
  const inodes = places.map((place, k) => {
    const errno = -program.result(k);
    if (errno === ENOENT) return undefined;
    if (errno > 0) throw new SyscallError("statx", errno, place);
    return decodeStatus(program.output(place)).inode;
  });
  return { inodes, isAlive: program.result(ENDED) === 0 };
}

const ENDED = "ended";

/** The bit of statx(2) that asks for the inode. */
const STATX_INO = 0x100;

function path(pid: number | "self", name: NamespaceName): string {
  return `/proc/${pid}/ns/${NAMESPACE_FILES[name]}`;
}

/** The number of a process as it sees itself: the innermost one of NSpid in /proc/PID/status. */
export function innerPid(pid: number): number {
  const numbers = statusField(readStatus(pid), "NSpid")?.split(/\s+/) ?? [];
  return Number(numbers.at(-1) ?? pid);
}

/**
 * The host's number of a user or group of a process's user namespace: user_namespaces(7).
 *
 * @param file `uid_map` or `gid_map`
 * @returns the same number where nothing maps it
 */
export function hostId(pid: number, file: "uid_map" | "gid_map", id: number): number {
  for (const line of readText(`/proc/${pid}/${file}`).trimEnd().split("\n")) {
    const [inside = 0, outside = 0, size = 0] = line.trim().split(/\s+/).map(Number);
    if (id >= inside && id < inside + size) return outside + (id - inside);
  }
  return id;
}
