/**
 * Ends a process together with all that it has started. These processes may have no cgroup of their
 * own, so they are found by parentage: proc_pid_task(5), `children`.
 *
 * Only descendants of a process ever become its children, even if it is a subreaper, so no other
 * process is met. A process that has detached, whose parent has ended, is the child of another
 * process by then and is not met either.
 *
 * @module
 */

import { throwBound } from "../../ffi/c/errno.ts";
import { SIGKILL, SIGSTOP } from "../../ffi/c/signal_numbers.ts";
import { readText } from "../../ffi/files/file.ts";
import { signalPidfd } from "../../ffi/processes/process.ts";
import { pause } from "../cgroups/kill.ts";
import {
  childOf,
  identify,
  isStopped,
  openIdentified,
  type ProcessIdentity,
} from "../state/process_identity.ts";

/**
 * For how long it looks for more processes, in milliseconds; and for how long without finding one.
 */
const LONGEST_MS = 1000;
const IDLE_MS = 20;

/** A process that is held, so that its pid can't be reused. */
export interface HeldTree {
  readonly pid: number;
  /** Sends it a signal; false if it has ended. */
  signal(number: number): boolean;
}

/**
 * Kills a process and its descendants. All are stopped first, from the top, so that none forks or
 * outlives its parent before it is found. Blocks for about a millisecond, for some 20 ms where one
 * can't be stopped (state D, a frozen cgroup), and a second in any case. If the kernel has no
 * `children` in /proc, only the process itself is killed.
 */
export function killTree(top: HeldTree): void {
  const first = identify(top.pid); // before the signal: one that is still there then was this one
  if (first === undefined || !top.signal(SIGSTOP)) return;
  const found = new Map([[keyOf(first), first]]);
  const start = performance.now();
  for (let now = start, last = start; now - start < LONGEST_MS; now = performance.now()) {
    const others = [...found.values()].flatMap(childrenOf).filter((one) => !found.has(keyOf(one)));
    for (const other of others) {
      send(other, SIGSTOP);
      found.set(keyOf(other), other);
    }
    if (others.length > 0) last = now;
    else if (now - last > IDLE_MS || [...found.values()].every(isStopped)) break;
    else pause();
  }
  found.delete(keyOf(first));
  for (const one of found.values()) send(one, SIGKILL);
  top.signal(SIGKILL);
}

/**
 * Signals a process and what it has started, from the top; one that is born meanwhile may be missed.
 *
 * @returns whether the process was still there
 */
export function signalTree(top: HeldTree, signal: number): boolean {
  const first = identify(top.pid); // before the signal: one that is still there then was this one
  const below = first === undefined ? [] : descendantsOf(first);
  const wasThere = top.signal(signal);
  if (wasThere) { for (const one of below) send(one, signal); }
  return wasThere;
}

function descendantsOf(parent: ProcessIdentity): ProcessIdentity[] {
  return childrenOf(parent).flatMap((child) => [child, ...descendantsOf(child)]);
}

function keyOf({ pid, startTime }: ProcessIdentity): string {
  return `${pid} ${startTime}`;
}

/** The children of all its threads. */
function childrenOf(parent: ProcessIdentity): ProcessIdentity[] {
  const pids = new Set<number>();
  try {
    for (const { name } of Deno.readDirSync(`/proc/${parent.pid}/task`)) {
      const text = readText(`/proc/${parent.pid}/task/${name}/children`);
      for (const word of text.split(" ")) if (word !== "") pids.add(Number(word));
    }
  } catch (error) {
    throwBound(error);
    // it has ended, or the kernel keeps no such list
  }
  return [...pids].map((pid) => childOf(parent, pid)).filter((child) => child !== undefined);
}

/** Sends a signal; a process that has ended, or that may not be signalled, is skipped. */
function send(process: ProcessIdentity, signal: number): void {
  try {
    using pidfd = openIdentified(process);
    if (pidfd !== undefined) signalPidfd(pidfd, signal);
  } catch (error) {
    throwBound(error);
    // it may not be signalled
  }
}
