/**
 * Processes by pidfd: a handle that can't come to mean another process when a pid is used again.
 *
 * @module
 */

import { SIGCHLD } from "../c/signal_numbers.ts";
import { PR } from "./credentials.ts";
import { ENOMEM, failedWith } from "../c/errno.ts";
import { Fd } from "../files/file.ts";
import { addressOf } from "../c/memory.ts";
import { checked, libc } from "../c/libc.ts";

const P_ALL = 0;
/** Of waitid(2): whom it waits for, and how. */
export const P_PID = 1;
export const P_PIDFD = 3;
export const WNOHANG = 1;
export const WEXITED = 4;
export const WALL = 0x40000000;
export const WNOWAIT = 0x01000000;
/** si_code of a process that has ended by itself. */
export const CLD_EXITED = 1;
const CLD_KILLED = 2;
/** Places in a siginfo_t of 64-bit Linux: si_code, si_pid, si_status. */
const ERRNO_OFFSET = 4;
/** Of si_code. */
export const CODE_OFFSET = 8;
/** Of si_pid. */
export const PID_OFFSET = 16;
/** Of si_status. */
export const STATUS_OFFSET = 24;

/**
 * A handle on a running process: pidfd_open(2).
 *
 * @throws {SyscallError} ESRCH if there is none
 */
export function openPidfd(pid: number): Fd {
  const fd = libc.pidfd_open(pid, 0);
  return new Fd(checked("pidfd_open", fd, String(pid)));
}

/**
 * Sends a signal: pidfd_send_signal(2). Signal 0 only asks.
 *
 * @returns whether the process was still there
 * @throws {SyscallError}
 */
export function signalPidfd(pidfd: Fd, signal: number): boolean {
  try {
    checked("pidfd_send_signal", libc.pidfd_send_signal(pidfd.number, signal));
    return true;
  } catch (error) {
    if (failedWith(error, "ESRCH")) return false;
    throw error;
  }
}

/**
 * Sends a signal to every process of a group, by the number of the one that leads it, which must be
 * a child that nobody has waited for yet: kill(2).
 *
 * @returns whether there was any
 * @throws {SyscallError}
 */
export function signalGroup(leader: number, signal: number): boolean {
  try {
    checked("kill", libc.kill(-leader, signal), String(-leader));
    return true;
  } catch (error) {
    if (failedWith(error, "ESRCH")) return false;
    throw error;
  }
}

/**
 * A copy, close-on-exec, of an fd that another process has open: pidfd_getfd(2). The caller must be
 * allowed to trace the process.
 *
 * @throws {SyscallError} EBADF if it has none of that number, EPERM, ESRCH if it has ended
 */
export function copyFdOf(pidfd: Fd, number: number): Fd {
  return new Fd(checked("pidfd_getfd", libc.pidfd_getfd(pidfd.number, number)));
}

/** How a process ended: by exit with `code`, or by `signal`. */
export interface ExitStatus {
  /** The exit code, or 128 + the signal's number, as a shell tells it. */
  readonly code: number;
  /** The number of the signal that killed it. */
  readonly signal: number | undefined;
  /**
   * True if it is a container's first process, died of SIGKILL, and the kernel has killed in the
   * container for want of memory.
   */
  readonly oomKilled?: boolean | undefined;
}

/**
 * Takes the status of a child that has ended: waitid(2). It is gone from the process table then.
 *
 * @param usage a struct rusage, which gets what the child has used: see `resource_usage.ts`
 * @returns undefined if the child is still running
 * @throws {SyscallError} ECHILD if it is no child of this process
 */
export function reap(pidfd: Fd, usage?: Uint8Array<ArrayBuffer>): ExitStatus | undefined {
  return waitId(pidfd, WNOHANG, usage);
}

/** Takes the status of a process that has ended, if it is a child of this one; else nothing happens. */
export function reapChild(pidfd: Fd): void {
  try {
    reap(pidfd);
  } catch (error) {
    if (!failedWith(error, "ECHILD")) throw error;
  }
}

/**
 * How a child has ended, whose status stays to be taken.
 *
 * @returns undefined if the child is still running
 * @throws {SyscallError} ECHILD if it is no child of this process
 */
export function peekEnd(pidfd: Fd): ExitStatus | undefined {
  return waitId(pidfd, WNOHANG | WNOWAIT);
}

/**
 * The same as {@linkcode reap}, and waits for the child's end. Only for a child that is about to exit:
 * this thread, and with it the event loop, stands still until then.
 *
 * @throws {SyscallError} ECHILD if it is no child of this process
 */
export function reapEnding(pidfd: Fd): ExitStatus {
  return waitId(pidfd, 0) as ExitStatus;
}

function waitId(
  pidfd: Fd,
  flags: number,
  usage?: Uint8Array<ArrayBuffer>,
): ExitStatus | undefined {
  const info = new Uint8Array(SIGINFO_SIZE);
  const address = usage === undefined ? 0n : addressOf(usage);
  for (;;) {
    try {
      checked("waitid", libc.waitid(P_PIDFD, pidfd.number, info, WEXITED | WALL | flags, address));
      return decodeEnd(info);
    } catch (error) {
      if (!failedWith(error, "EINTR")) throw error;
    }
  }
}

/** The size of a siginfo_t. */
export const SIGINFO_SIZE = 128;

/** How a process ended, from the siginfo_t of waitid(2); undefined if it tells of none. */
export function decodeEnd(info: Uint8Array): ExitStatus | undefined {
  if (info.length < SIGINFO_SIZE) return undefined;
  const view = new DataView(info.buffer, info.byteOffset);
  if (view.getInt32(PID_OFFSET, true) === 0) return undefined;
  const status = view.getInt32(STATUS_OFFSET, true);
  if (view.getInt32(CODE_OFFSET, true) === CLD_EXITED) return { code: status, signal: undefined };
  const end = { code: 128 + status, signal: status };
  return view.getInt32(ERRNO_OFFSET, true) === ENOMEM ? { ...end, oomKilled: true } : end;
}

/** The siginfo_t that tells of the end of a process; its si_errno, which the kernel leaves 0, why. */
export function encodeEnd(
  pid: number,
  { code, signal, oomKilled }: ExitStatus,
): Uint8Array<ArrayBuffer> {
  const info = new Uint8Array(SIGINFO_SIZE);
  const view = new DataView(info.buffer);
  view.setInt32(0, SIGCHLD, true);
  view.setInt32(CODE_OFFSET, signal === undefined ? CLD_EXITED : CLD_KILLED, true);
  view.setInt32(PID_OFFSET, pid, true);
  view.setInt32(STATUS_OFFSET, signal ?? code, true);
  if (oomKilled === true) view.setInt32(ERRNO_OFFSET, ENOMEM, true);
  return info;
}

/**
 * Takes the statuses of orphans that have ended, which came to this program because it is the
 * nearest subreaper. Stops when it meets the end of one child, whose status others wait for.
 *
 * @param except the number of that child
 * @returns how many it took
 */
export function reapOrphans(except: number): number {
  for (let count = 0;; count++) {
    const info = new Uint8Array(SIGINFO_SIZE);
    const peek = WEXITED | WNOHANG | WNOWAIT | WALL;
    if (libc.waitid(P_ALL, 0, info, peek) < 0) return count; // ECHILD: there are no children
    const pid = new DataView(info.buffer).getInt32(PID_OFFSET, true);
    if (pid === 0 || pid === except) return count;
    if (libc.waitid(P_PID, pid, info, WEXITED | WNOHANG | WALL) < 0) return count;
  }
}

/**
 * Makes this program the new parent of processes below it whose parent ends: prctl(2).
 *
 * @throws {SyscallError}
 */
export function becomeSubreaper(): void {
  checked("prctl", libc.prctl(PR.SET_CHILD_SUBREAPER, 1));
}
