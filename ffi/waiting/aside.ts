/**
 * Calls that may take long in the kernel.
 *
 * @module
 */

import type { SyscallProgram } from "../program/program.ts";
import type { Poller } from "./poll.ts";

/** Tells whether this program does anything else: a {@linkcode Poller} does. */
export type Aside = Pick<Poller, "isAlone">;

/**
 * Makes calls that may take long. A thread of the pool makes them, while the event loop goes on; this
 * thread itself in a program that does nothing else.
 */
export async function runAside(program: SyscallProgram, { isAlone }: Aside): Promise<void> {
  if (isAlone) program.run();
  else await program.runOffThread();
}
