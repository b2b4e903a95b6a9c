/**
 * The system call filter: the last that happens before execve, so that the profile has to allow
 * nothing for hull's sake.
 *
 * Source: seccomp(2), config-linux.md "Seccomp".
 *
 * @module
 */

import { SECCOMP_FILTER_FLAG, SECCOMP_SET_MODE_FILTER } from "../../ffi/seccomp_flags.ts";
import type { InitSeccomp } from "../../src/config/init_config.ts";
import { type PlanItem, StepBuilder } from "../operation.ts";

const INSTRUCTION_SIZE = 8;

/** Whether a filter hands calls to a listener, whose fd the parent fetches. */
export function hasListener({ flags }: InitSeccomp): boolean {
  return (flags & SECCOMP_FILTER_FLAG.NEW_LISTENER) !== 0;
}

/**
 * Loads the filter. What follows must be calls that the profile allows: none but execve; with a
 * listener also the hand-over's reads and writes, since the parent fetches the listener's fd then.
 *
 * Nor may a jump follow: the trampoline makes it of a call with the number -1, which the filter would
 * see.
 */
export function loadFilter({ program, flags, unknown }: InitSeccomp): PlanItem[] {
  const instructions = Uint8Array.fromBase64(program);
  const count = instructions.length / INSTRUCTION_SIZE;
  const without = unknown.length === 0 ? "" : `, without ${unknown.join(", ")}, unknown here`;
  const step = new StepBuilder("seccomp");
  // struct sock_fprog: the length, which the padding makes a word of its own, and the address.
  step.because(
    `load the system call filter of ${count} instructions${without}`,
    undefined,
    "/linux/seccomp",
    "without process.noNewPrivileges it takes CAP_SYS_ADMIN",
  ).call("seccomp", [SECCOMP_SET_MODE_FILTER, flags, { words: [count, instructions] }]);
  return step.items;
}
