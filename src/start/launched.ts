/**
 * The processes that a launcher makes on the way to the container's own.
 *
 * @module
 */

import type { InitStatus } from "../process/init_status.ts";

/**
 * What a launcher made: the child that joined, which has ended, and the container's process. While an
 * usher makes that, both are the usher.
 */
export interface Launched {
  readonly first: number;
  readonly pid: number;
}

/** The same once the usher has told the number of the container's process. */
export function bornOf(launched: Launched | undefined, pid: number): Launched {
  return { first: launched?.first ?? 0, pid };
}

/** Takes the status of each: a launcher that failed has still said which they are. */
export async function reapLaunched(
  status: InitStatus,
  launched: Launched | undefined,
): Promise<void> {
  let known = launched;
  for await (const message of status.rest()) {
    if (message.kind === "launched") known = message;
    if (message.kind === "born") known = bornOf(known, message.pid);
  }
  for (const pid of new Set([known?.first ?? 0, known?.pid ?? 0])) {
    if (pid > 0) await status.reap(pid);
  }
}
