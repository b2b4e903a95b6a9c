/**
 * The engine's timers, and how long they can be.
 *
 * @module
 */

/** In milliseconds; a timer that is set to more ends at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** How long to set a timer that is to end after so long: 25 days at most. */
export function timerMs(milliseconds: number): number {
  return Math.min(milliseconds, LONGEST_MS);
}
