/**
 * Parts of every program between a clone and its execve: it gives fds their numbers, and keeps the
 * pidfd of the child.
 *
 * @module
 */

import { type PlannedOperation, StepBuilder } from "../../init/operations/operation.ts";

/** The name under which the program gives the child's pidfd. */
export const PIDFD = "pidfd";

/** An fd of this program, and its number in the child. */
export interface PlacedFd {
  readonly fd: number;
  readonly as: number;
}

/** Puts fds in place, in their order. */
export function placeFds(fds: readonly PlacedFd[]): PlannedOperation[] {
  const step = new StepBuilder("stdio");
  for (const { fd, as } of fds) {
    step.because(`put fd ${as} in place`).call("dup3", [fd, as, 0]);
  }
  return step.items as PlannedOperation[];
}
