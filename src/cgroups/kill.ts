/**
 * Sends a signal to every process of a cgroup, so that none escapes by forking meanwhile.
 *
 * @module
 */

import { syscallFailure } from "../failures/syscall_failure.ts";
import { failedWith } from "../../ffi/c/errno.ts";
import { SIGKILL } from "../../ffi/c/signal_numbers.ts";
import type { Fd } from "../../ffi/files/file.ts";
import { openPidfd, signalPidfd } from "../../ffi/processes/process.ts";
import { SyscallProgram } from "../../ffi/program/program.ts";
import type { ContainerError } from "../errors.ts";

/** The freezer of a cgroup, as far as a signal to all needs it. */
export interface Freezer {
  /** Asks the kernel to stop all processes, without waiting. */
  request(): void;
  /** Whether they have stopped. */
  hasFrozen(): boolean;
  /** Lets them go on. */
  release(): void;
  /** Thaws what would not end while it is frozen, also in frozen cgroups below. */
  letDie(): void;
}

/**
 * For how long it looks for more processes, in milliseconds; and for how long without finding one.
 */
const LONGEST_MS = 1000;
const IDLE_MS = 20;
const PAUSE_NS = 100_000n;
/** How many pidfds are open at a time: a program may have only a thousand fds. */
const AT_ONCE = 100;

/**
 * Sends `signal` to all processes that `list` finds. While the freezer holds them, they can't fork
 * faster than they are found; a process in the middle of a fork is found in the next round. What
 * was frozen before stays so, unless the signal is SIGKILL, which a frozen process of cgroup v1
 * would not notice.
 *
 * Blocks for at most some 20 ms where a process can't be frozen (state D), and a second in any
 * case.
 *
 * @throws {ContainerError} SystemError if a process may not be signalled
 */
export function signalAll(
  list: () => number[],
  freezer: Freezer | undefined,
  signal: number,
): void {
  const wasFrozen = freezer?.hasFrozen() ?? false;
  if (!wasFrozen) {
    if (list().length === 0) return; // no process can fork, and freezing takes milliseconds
    freezer?.request();
  }
  try {
    const done = new Set<number>();
    const start = performance.now();
    for (let now = start, found = start; now - start < LONGEST_MS; now = performance.now()) {
      const others = list().filter((pid) => !done.has(pid));
      if (others.length === 0) {
        if ((freezer?.hasFrozen() ?? true) || now - found > IDLE_MS) break;
        pause();
        continue;
      }
      for (let k = 0; k < others.length; k += AT_ONCE) {
        signalThose(others.slice(k, k + AT_ONCE), list, signal);
      }
      others.forEach((pid) => done.add(pid));
      found = now;
    }
  } finally {
    if (signal === SIGKILL) freezer?.letDie();
    else if (!wasFrozen) freezer?.release();
  }
}

/**
 * Signals by pidfd, and only processes that are still in the cgroup once the pidfd is open. So a
 * pid that was reused meanwhile is never signalled.
 */
function signalThose(pids: readonly number[], list: () => number[], signal: number): void {
  const handles = new Map<number, Fd>();
  try {
    for (const pid of pids) {
      const handle = openIfAlive(pid);
      if (handle !== undefined) handles.set(pid, handle);
    }
    const still = new Set(list());
    for (const [pid, handle] of handles) if (still.has(pid)) send(pid, handle, signal);
  } finally {
    for (const handle of handles.values()) handle.close();
  }
}

function openIfAlive(pid: number): Fd | undefined {
  try {
    return openPidfd(pid);
  } catch (error) {
    if (failedWith(error, "ESRCH")) return undefined;
    throw signalError(pid, error);
  }
}

function send(pid: number, handle: Fd, signal: number): void {
  try {
    signalPidfd(handle, signal);
  } catch (error) {
    throw signalError(pid, error);
  }
}

function signalError(pid: number, error: unknown): ContainerError {
  return syscallFailure(error, "SystemError", `cannot signal process ${pid}`, { step: "cgroups" });
}

/**
 * Sleeps for a tenth of a millisecond. It blocks this thread, so that what runs next comes at once.
 */
export function pause(): void {
  new SyscallProgram([{ syscall: "nanosleep", args: [{ words: [0n, PAUSE_NS] }, 0] }]).run();
}
