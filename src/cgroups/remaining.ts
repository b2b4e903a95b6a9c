/**
 * Processes that do not end, for messages.
 *
 * @module
 */

import { fieldIfAlive } from "../../ffi/processes/process_status.ts";

const NAMED = 4;

/** Names processes: `process 12 (sh, state D (disk sleep))`. */
export function nameProcesses(pids: readonly number[]): string {
  const named = pids.slice(0, NAMED).map((pid) => {
    const name = fieldIfAlive(pid, "Name");
    if (name === undefined) return `${pid}`;
    // A process chooses its name: it may hold what a terminal acts on.
    const shown = name.replaceAll(/[^\x20-\x7e]/g, "?");
    return `${pid} (${shown}, state ${fieldIfAlive(pid, "State")})`;
  });
  const more = pids.length > NAMED ? ` and ${pids.length - NAMED} more` : "";
  return `${pids.length === 1 ? "process" : "processes"} ${named.join(", ")}${more}`;
}
