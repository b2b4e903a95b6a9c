/**
 * Which process it is: a pid alone may come to mean another one, after its end or after a reboot.
 *
 * Source: proc(5), /proc/PID/stat.
 *
 * @module
 */

import { type Fd, readText } from "../../ffi/files/file.ts";
import { bootId } from "../../ffi/files/kernel_constants.ts";
import { openPidfd } from "../../ffi/processes/process.ts";

/** A process for as long as it lives. */
export interface ProcessIdentity {
  /** Its number in hull's pid namespace. */
  readonly pid: number;
  /** When it started, in clock ticks since boot. */
  readonly startTime: number;
  /** The boot that the start is counted from. */
  readonly bootId: string;
}

/** What /proc/PID/stat says, as far as it matters here. */
interface Stat {
  readonly state: string;
  readonly parent: number;
  readonly startTime: number;
}

function readStat(pid: number): Stat | undefined {
  try {
    const text = readText(`/proc/${pid}/stat`);
    // The second field is the name in parentheses, which may hold spaces and parentheses.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const [state = "", parent] = fields;
    return { state, parent: Number(parent), startTime: Number(fields[19]) };
  } catch {
    return undefined; // there is no such process, or it ended while it was read
  }
}

/** The identity of a running process; undefined if there is none. */
export function identify(pid: number): ProcessIdentity | undefined {
  const stat = readStat(pid);
  return stat === undefined ? undefined : { pid, startTime: stat.startTime, bootId: bootId() };
}

/** The number of a process's parent, 0 if that is in no namespace of this program; undefined if it has ended. */
export function parentOf(pid: number): number | undefined {
  return readStat(pid)?.parent;
}

/** The process of a number if it is a child of the other; undefined if not, or if one has ended. */
export function childOf(parent: ProcessIdentity, pid: number): ProcessIdentity | undefined {
  const stat = readStat(pid);
  if (stat?.parent !== parent.pid || !isAlive(parent)) return undefined;
  return { pid, startTime: stat.startTime, bootId: parent.bootId };
}

/** Whether it does nothing more: stopped by a signal or a tracer, or ended. */
export function isStopped({ pid, startTime }: ProcessIdentity): boolean {
  const stat = readStat(pid);
  return stat?.startTime !== startTime || "TtZXx".includes(stat.state);
}

/** Whether it still runs: not ended, not a zombie, and the same one. */
export function isAlive({ pid, startTime, bootId: boot }: ProcessIdentity): boolean {
  const stat = readStat(pid);
  return stat !== undefined && stat.startTime === startTime && !"ZXx".includes(stat.state) &&
    bootId() === boot;
}

/** A pidfd of the very process, or undefined if it has ended. */
export function openIdentified(identity: ProcessIdentity): Fd | undefined {
  try {
    const pidfd = openPidfd(identity.pid);
    if (isAlive(identity)) return pidfd; // so it was when it was opened
    pidfd.close();
  } catch { /* it has ended */ }
  return undefined;
}
