/**
 * The names of flags and of numbers that stand for something, for a listing.
 *
 * @module
 */

import {
  AT_EMPTY_PATH,
  AT_REMOVEDIR,
  AT_SYMLINK_NOFOLLOW,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOCTTY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
} from "../../ffi/files/file.ts";
import { S_IFBLK, S_IFCHR, S_IFIFO, S_IFREG } from "../../ffi/files/file_status.ts";
import {
  AT_RECURSIVE,
  FSCONFIG_CMD_CREATE,
  FSCONFIG_CMD_RECONFIGURE,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  FSOPEN_CLOEXEC,
  MNT_DETACH,
  MOUNT_ATTR,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_EMPTY_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  PROPAGATION,
} from "../../ffi/files/mount.ts";
import {
  CLONE_CLEAR_SIGHAND,
  CLONE_INTO_CGROUP,
  CLONE_PARENT,
  CLONE_PIDFD,
  CLONE_VFORK,
  CLONE_VM,
  NAMESPACE_FLAGS,
} from "../../ffi/processes/namespaces.ts";
import { MPOL_FLAG, MPOL_MODE } from "../../ffi/processes/memory_policy.ts";
import { IOPRIO_CLASS, SCHED_FLAG, SCHED_POLICY } from "../../ffi/processes/scheduler.ts";
import { TIOCGPTPEER, TIOCSCTTY, TIOCSPTLCK, TIOCSWINSZ } from "../../ffi/sockets/terminal.ts";
import { PR } from "../../ffi/processes/credentials.ts";
import { SECCOMP_FILTER_FLAG, SECCOMP_SET_MODE_FILTER } from "../../ffi/seccomp/seccomp_flags.ts";
import {
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
} from "../../ffi/files/path.ts";

/** Names and their values; for flags each one or several bits. */
export type Names = Readonly<Record<string, number | bigint>>;

const AT: Names = { AT_EMPTY_PATH, AT_RECURSIVE };

/** The tables, by what a signature calls them. */
export const FLAGS = {
  AT: { ...AT, AT_SYMLINK_NOFOLLOW },
  ACCESS: { ...AT, AT_EACCESS: 0x200 },
  UNLINK: { AT_REMOVEDIR },
  OPEN: {
    O_WRONLY,
    O_RDWR,
    O_CREAT,
    O_EXCL,
    O_NOCTTY,
    O_TRUNC,
    O_APPEND,
    O_NONBLOCK,
    O_DIRECTORY,
    O_NOFOLLOW,
    O_CLOEXEC,
    O_PATH,
  },
  RESOLVE: {
    RESOLVE_NO_XDEV,
    RESOLVE_NO_MAGICLINKS,
    RESOLVE_NO_SYMLINKS,
    RESOLVE_BENEATH,
    RESOLVE_IN_ROOT,
  },
  TREE: { OPEN_TREE_CLONE, OPEN_TREE_CLOEXEC, ...AT },
  MOVE: { MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_EMPTY_PATH },
  FSOPEN: { FSOPEN_CLOEXEC },
  FSPICK: { FSPICK_CLOEXEC: 1, FSPICK_EMPTY_PATH: 8 },
  FSMOUNT: { FSMOUNT_CLOEXEC: FSOPEN_CLOEXEC },
  UMOUNT: { MNT_DETACH },
  MOUNT_ATTR: prefixed("MOUNT_ATTR_", MOUNT_ATTR),
  PROPAGATION: prefixed("MS_", PROPAGATION),
  CLONE: {
    CLONE_VM,
    CLONE_VFORK,
    CLONE_PARENT,
    CLONE_PIDFD,
    CLONE_NEWTIME: NAMESPACE_FLAGS.time,
    CLONE_NEWNS: NAMESPACE_FLAGS.mount,
    CLONE_NEWCGROUP: NAMESPACE_FLAGS.cgroup,
    CLONE_NEWUTS: NAMESPACE_FLAGS.uts,
    CLONE_NEWIPC: NAMESPACE_FLAGS.ipc,
    CLONE_NEWUSER: NAMESPACE_FLAGS.user,
    CLONE_NEWPID: NAMESPACE_FLAGS.pid,
    CLONE_NEWNET: NAMESPACE_FLAGS.network,
    CLONE_CLEAR_SIGHAND,
    CLONE_INTO_CGROUP,
  },
  CLOSE_RANGE: { CLOSE_RANGE_UNSHARE: 2, CLOSE_RANGE_CLOEXEC: 4 },
  INTERFACE: { IFF_UP: 1 },
  MEMORY_POLICY: MPOL_FLAG,
  SCHEDULER: SCHED_FLAG,
  SECCOMP: prefixed("SECCOMP_FILTER_FLAG_", SECCOMP_FILTER_FLAG),
  FILE_TYPE: { S_IFREG, S_IFCHR, S_IFBLK, S_IFIFO },
} as const satisfies Record<string, Names>;

/** Constants: an argument is one of them, not a sum. */
export const CONSTANTS = {
  FSCONFIG: {
    FSCONFIG_SET_FLAG,
    FSCONFIG_SET_STRING,
    FSCONFIG_CMD_CREATE,
    FSCONFIG_CMD_RECONFIGURE,
  },
  FCNTL: { F_SETFD: 2 },
  IO_PRIORITY: IOPRIO_CLASS,
  IO_PRIORITY_WHO: { IOPRIO_WHO_PROCESS: 1 },
  KEYCTL: { KEYCTL_JOIN_SESSION_KEYRING: 1, KEYCTL_SETPERM: 5 },
  MEMORY_POLICY: MPOL_MODE,
  SCHEDULER: SCHED_POLICY,
  PRCTL: prefixed("PR_", PR),
  ACCESS_MODE: { X_OK: 1 },
  SIGMASK: { SIG_SETMASK: 2 },
  IOCTL: { SIOCSIFFLAGS: 0x8914, TIOCSPTLCK, TIOCGPTPEER, TIOCSCTTY, TIOCSWINSZ },
  SECCOMP_OPERATION: { SECCOMP_SET_MODE_FILTER },
  FAMILY: { AF_INET: 2 },
} as const satisfies Record<string, Names>;

/** The name of a table of flags. */
export type FlagTable = keyof typeof FLAGS;
/** The name of a table of numbers. */
export type ConstantTable = keyof typeof CONSTANTS;

/** A sum of flags as their names; what has no name stays a number. */
export function flagNames(value: bigint, table: FlagTable): string {
  let rest = value;
  const names: string[] = [];
  for (const [name, bits] of Object.entries<number | bigint>(FLAGS[table])) {
    const mask = BigInt(bits);
    if (mask === 0n || (rest & mask) !== mask) continue;
    names.push(name);
    rest &= ~mask;
  }
  if (rest !== 0n) names.push(`0x${rest.toString(16)}`);
  return names.length === 0 ? "0" : names.join("|");
}

/** The name of a number, or the number. */
export function constantName(value: bigint, table: ConstantTable): string {
  const found = Object.entries<number | bigint>(CONSTANTS[table])
    .find(([, number]) => BigInt(number) === value);
  return found?.[0] ?? String(value);
}

function prefixed(prefix: string, names: Names): Names {
  return Object.fromEntries(
    Object.entries(names).map(([name, value]) => [prefix + name.toUpperCase(), value]),
  );
}
