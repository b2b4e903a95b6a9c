/**
 * Waiting for the kernel where it offers no event: looks again after 1, 2, 4, … at most 20 ms.
 *
 * @module
 */

import { pause } from "../../ffi/waiting/abort.ts";

const LONGEST_MS = 20;

/**
 * Calls `look` until it says true.
 *
 * @param timeoutMs how long to go on, in milliseconds
 * @returns whether it came true in time
 * @throws the signal's reason
 */
export async function comesTrue(
  look: () => boolean,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const end = performance.now() + timeoutMs;
  for (let pauseMs = 1;; pauseMs = Math.min(2 * pauseMs, LONGEST_MS)) {
    if (look()) return true;
    if (performance.now() >= end) return false;
    await pause(pauseMs, signal);
  }
}
