/**
 * The one line by which hull's work stands in a trace, if there is one.
 *
 * @module
 */

import type { Lane } from "./trace.ts";

/** Runs work, as a span of the trace if there is one. */
export function traced<T>(lane: Lane | undefined, name: string, work: () => T): T {
  return lane === undefined ? work() : lane.span(name, work);
}
