/**
 * How a client waits for a child's end, and ends itself.
 *
 * Source: waitid(2).
 *
 * @module
 */

import { P_PID, SIGINFO_SIZE, WALL, WEXITED, WNOHANG } from "../../../ffi/processes/process.ts";
import type { Argument, Operation, Space } from "../../../ffi/program/operation.ts";

/** The name of the space that gets how a child ended. */
export const END = "end";
/** The size of what a client sends of that: a siginfo_t, and more, since a signal has its size. */
export const END_SIZE: number = SIGINFO_SIZE + 8;

/**
 * Waits for a child's end.
 *
 * @param more further flags; with WNOWAIT the child stays as it is: who goes on with the command can
 *   ask again
 * @param end gets how it ended
 */
export function waitFor(
  pid: Argument,
  more = 0,
  end: Space = { space: END_SIZE, name: END },
): Operation {
  const flags = WEXITED | WALL | more;
  return { syscall: "waitid", args: [P_PID, pid, end, flags, 0], onError: "continue" };
}

/**
 * Takes the end of a child that was told already: what nobody takes is there for as long as the
 * process that adopts it takes none, and the first process of its pid namespace can't end before.
 */
export function takeEnd(pid: Argument): Operation {
  const flags = WEXITED | WALL | WNOHANG;
  return { syscall: "waitid", args: [P_PID, pid, 0, flags, 0], onError: "continue" };
}

/** Ends the client. */
export function exit(code: number): Operation[] {
  return [{ syscall: "exit_group", args: [code], onError: "continue" }];
}
