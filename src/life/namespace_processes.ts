/**
 * The processes of a container that has no cgroups: those of its own pid namespace.
 *
 * Source: pid_namespaces(7).
 *
 * @module
 */

import { throwBound } from "../../ffi/c/errno.ts";
import { tryStatPath } from "../../ffi/files/file_status.ts";
import { openPidfd, signalPidfd } from "../../ffi/processes/process.ts";

/** The processes in the pid namespace of a process, by their numbers here. */
export function processesBeside(pid: number): number[] {
  const own = namespaceOf(pid);
  return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name))
    .filter((each) => each > 0 && own > 0 && namespaceOf(each) === own);
}

/** Signals them. */
export function signalBeside(pid: number, signal: number): void {
  const own = namespaceOf(pid);
  for (const each of processesBeside(pid)) {
    try {
      using pidfd = openPidfd(each);
      if (namespaceOf(each) === own) signalPidfd(pidfd, signal); // so the number was not reused
    } catch (error) {
      throwBound(error);
      // it has ended
    }
  }
}

/** 0 if there is no such process, or it can't be looked at. */
function namespaceOf(pid: number): bigint | number {
  const status = tryStatPath(`/proc/${pid}/ns/pid`, true);
  return typeof status === "number" ? 0 : status.inode;
}
