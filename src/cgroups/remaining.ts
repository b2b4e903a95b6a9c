/**
 * Processes that do not end, for messages.
 *
 * @module
 */

import { SyscallError } from "../../ffi/c/errno.ts";
import { readText } from "../../ffi/files/file.ts";

const NAMED = 4;

/** Names processes: `process 12 (sh, state D (disk sleep))`. */
export function nameProcesses(pids: readonly number[]): string {
  const named = pids.slice(0, NAMED).map((pid) => {
    const name = statusField(pid, "Name");
    if (name === undefined) return `${pid}`;
    // A process chooses its name: it may hold what a terminal acts on.
    const shown = name.replaceAll(/[^\x20-\x7e]/g, "?");
    return `${pid} (${shown}, state ${statusField(pid, "State")})`;
  });
  const more = pids.length > NAMED ? ` and ${pids.length - NAMED} more` : "";
  return `${pids.length === 1 ? "process" : "processes"} ${named.join(", ")}${more}`;
}

/** A field of a process's or thread's /proc/PID/status; undefined if it has ended. */
export function statusField(pid: number, field: string): string | undefined {
  try {
    const line = readText(`/proc/${pid}/status`).split("\n")
      .find((text) => text.startsWith(`${field}:`));
    return line?.slice(field.length + 1).trim();
  } catch (error) {
    if (error instanceof SyscallError && /^(ENOENT|ESRCH)$/.test(error.code)) return undefined;
    throw error;
  }
}
