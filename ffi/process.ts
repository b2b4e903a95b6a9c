/**
 * Processes by pidfd: a handle that can't come to mean another process when a pid is used again.
 *
 * @module
 */

import { SyscallError } from "./errno.ts";
import { Fd } from "./file.ts";
import { checked, libc } from "./libc.ts";
import { syscallNumber } from "./syscalls.ts";

const P_PIDFD = 3;
const WNOHANG = 1;
const WEXITED = 4;
const WALL = 0x40000000;
const CLD_EXITED = 1;
const ESRCH = 3;

/**
 * A handle on a running process: pidfd_open(2).
 *
 * @throws {SyscallError} ESRCH if there is none
 */
export function openPidfd(pid: number): Fd {
  const fd = libc.pidfd_open(BigInt(syscallNumber("pidfd_open")), pid, 0);
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
    const number = BigInt(syscallNumber("pidfd_send_signal"));
    checked("pidfd_send_signal", libc.pidfd_send_signal(number, pidfd.number, signal, 0n, 0));
    return true;
  } catch (error) {
    if (error instanceof SyscallError && error.errno === ESRCH) return false;
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
    if (error instanceof SyscallError && error.errno === ESRCH) return false;
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
  const call = BigInt(syscallNumber("pidfd_getfd"));
  return new Fd(checked("pidfd_getfd", libc.pidfd_getfd(call, pidfd.number, number, 0)));
}

/** How a process ended: by exit with `code`, or by `signal`. */
export interface ExitStatus {
  /** The exit code, or 128 + the signal's number, as a shell tells it. */
  readonly code: number;
  /** The number of the signal that killed it. */
  readonly signal: number | undefined;
}

/**
 * Takes the status of a child that has ended: waitid(2). It is gone from the process table then.
 *
 * @returns undefined if the child is still running
 * @throws {SyscallError} ECHILD if it is no child of this process
 */
export function reap(pidfd: Fd): ExitStatus | undefined {
  return waitId(pidfd, WNOHANG);
}

/**
 * The same, and waits for the child's end: only for one that is about to exit, since the event loop
 * stands meanwhile.
 *
 * @throws {SyscallError} ECHILD if it is no child of this process
 */
export function reapEnding(pidfd: Fd): ExitStatus {
  return waitId(pidfd, 0) as ExitStatus;
}

function waitId(pidfd: Fd, flags: number): ExitStatus | undefined {
  const info = new Uint8Array(128);
  for (;;) {
    try {
      checked("waitid", libc.waitid(P_PIDFD, pidfd.number, info, WEXITED | WALL | flags));
      break;
    } catch (error) {
      if (!(error instanceof SyscallError) || error.code !== "EINTR") throw error;
    }
  }
  const view = new DataView(info.buffer);
  if (view.getInt32(16, true) === 0) return undefined;
  const status = view.getInt32(24, true);
  if (view.getInt32(8, true) === CLD_EXITED) return { code: status, signal: undefined };
  return { code: 128 + status, signal: status };
}
