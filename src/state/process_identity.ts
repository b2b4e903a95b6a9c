/**
 * Identifies a process. A pid alone is not enough: after the process's end or a reboot it may mean
 * another one.
 *
 * Source: proc(5), /proc/PID/stat.
 *
 * @module
 */

import { throwBound } from "../../ffi/c/errno.ts";
import { type Fd, readRecord } from "../../ffi/files/file.ts";
import { bootId } from "../../ffi/files/kernel_constants.ts";
import { openPidfd } from "../../ffi/processes/process.ts";

/** A process for as long as it lives. */
export interface ProcessIdentity {
  /** Its pid in hull's pid namespace. */
  readonly pid: number;
  /** When it started, in clock ticks since boot. */
  readonly startTime: number;
  /** The boot that the start is counted from. */
  readonly bootId: string;
}

/** The fields of /proc/PID/stat that are used here. */
interface Stat {
  readonly state: string;
  readonly parent: number;
  readonly startTime: number;
}

function readStat(pid: number): Stat | undefined {
  try {
    const text = readRecord(`/proc/${pid}/stat`);
    const [state = "", parent] = fieldsOf(text);
    return { state, parent: Number(parent), startTime: startTimeIn(text) };
  } catch (error) {
    throwBound(error);
    return undefined; // there is no such process, or it ended while it was read
  }
}

/** When a process started, in the text of its /proc/PID/stat. */
export function startTimeIn(text: string): number {
  return Number(fieldsOf(text)[19]);
}

/** The fields after the name in parentheses, which may hold spaces and parentheses. */
function fieldsOf(text: string): string[] {
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** The identity of a running process; undefined if there is none. */
export function identify(pid: number): ProcessIdentity | undefined {
  const stat = readStat(pid);
  return stat === undefined ? undefined : { pid, startTime: stat.startTime, bootId: bootId() };
}

/**
 * The pid of a process's parent, 0 if this program can't see the parent; undefined if the process
 * has ended.
 */
export function parentOf(pid: number): number | undefined {
  return readStat(pid)?.parent;
}

/**
 * The process with a pid, if it is a child of `parent`; undefined if not, or if one of them has
 * ended.
 */
export function childOf(parent: ProcessIdentity, pid: number): ProcessIdentity | undefined {
  const stat = readStat(pid);
  if (stat?.parent !== parent.pid || !isAlive(parent)) return undefined;
  return { pid, startTime: stat.startTime, bootId: parent.bootId };
}

/** Whether it is stopped by a signal or a tracer, or has ended. */
export function isStopped({ pid, startTime }: ProcessIdentity): boolean {
  const stat = readStat(pid);
  return stat?.startTime !== startTime || "TtZXx".includes(stat.state);
}

/** Whether the very process still runs and is not a zombie. */
export function isAlive({ pid, startTime, bootId: boot }: ProcessIdentity): boolean {
  const stat = readStat(pid);
  return stat !== undefined && stat.startTime === startTime && !"ZXx".includes(stat.state) &&
    bootId() === boot;
}

/**
 * A pidfd of the very process; undefined if it has ended. The process is compared after the pidfd
 * is open, so the pid can't have been reused in between.
 *
 * @throws {SyscallError} if it lives and can't be opened: without a free fd it has not ended
 */
export function openIdentified(identity: ProcessIdentity): Fd | undefined {
  try {
    const pidfd = openPidfd(identity.pid);
    if (isAlive(identity)) return pidfd; // so it was when it was opened
    pidfd.close();
  } catch (error) {
    if (isAlive(identity)) throw error;
  }
  return undefined;
}
