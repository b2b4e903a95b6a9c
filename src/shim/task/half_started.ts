/**
 * Further processes that a killed program was just starting: it had not kept that it did, and the
 * client is told that the start has failed. So they must not run.
 *
 * @module
 */

import { readText } from "../../../ffi/files/file.ts";
import { SIGKILL } from "../../../ffi/c/signal_numbers.ts";
import { signalPidfd } from "../../../ffi/processes/process.ts";
import { identify, openIdentified, parentOf } from "../../state/process_identity.ts";

/** The unit of a process's start: see proc(5). Linux has told it in these on all CPUs for long. */
const TICK_MS = 10;

/**
 * Ends them. They are those that the starter has adopted, as it has this program, and that nobody
 * knows. Without a pid namespace of its own a container's other orphans come to it as well: they are
 * older, unless they began in the very moment.
 *
 * @param pids of the container
 * @param known those that were kept
 * @param sinceMs when the first of them can have been started; undefined if that is not known
 */
export function endHalfStarted(
  pids: readonly number[],
  known: ReadonlySet<number>,
  sinceMs: number | undefined,
): void {
  if (sinceMs === undefined) return;
  const bootMs = Date.now() - Number(readText("/proc/uptime").split(" ")[0]) * 1000;
  for (const pid of pids) {
    if (known.has(pid) || parentOf(pid) !== Deno.ppid) continue;
    const identity = identify(pid);
    if (identity === undefined || bootMs + (identity.startTime + 1) * TICK_MS < sinceMs) continue;
    using pidfd = openIdentified(identity);
    if (pidfd !== undefined) signalPidfd(pidfd, SIGKILL);
  }
}
