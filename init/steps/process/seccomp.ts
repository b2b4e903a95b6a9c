/**
 * The system call filter. It is loaded last, right before the process waits where other processes
 * see it. If the profile does not allow the calls of that wait, the filter is loaded right before
 * execve, so that a profile need not allow anything for hull's sake.
 *
 * Source: seccomp(2), config-linux.md "Seccomp".
 *
 * @module
 */

import { MAX_ERRNO } from "../../../ffi/c/errno.ts";
import {
  SECCOMP_FILTER_FLAG,
  SECCOMP_SET_MODE_FILTER,
} from "../../../ffi/seccomp/seccomp_flags.ts";
import { syscallNumber } from "../../../ffi/c/syscalls.ts";
import type { LoadableFilter } from "../../../src/security/filters/seccomp.ts";
import { answerOf, RET_ALLOW } from "../../../src/security/filters/filter_machine.ts";
import { type PlanItem, type PlannedOperation, StepBuilder } from "../../operations/operation.ts";

const INSTRUCTION_SIZE = 8;

/** Whether a filter hands calls to a listener, whose fd the parent fetches. */
export function hasListener({ flags }: LoadableFilter): boolean {
  return (flags & SECCOMP_FILTER_FLAG.NEW_LISTENER) !== 0;
}

/**
 * Whether a filter allows the calls of the wait: to say that the process is ready, to read the
 * answer, to end, and to give up the right that loading the filter took. A process that waits
 * behind its filter has no more rights than the container, so another process gains nothing by
 * tracing it. A filter that allows less is loaded after the wait.
 *
 * @param dropsRight whether there is a right to be given up
 */
export function letsWait({ program }: LoadableFilter, dropsRight: boolean): boolean {
  const instructions = Uint8Array.fromBase64(program);
  const calls = [
    "read",
    "write",
    "exit_group",
    ...(dropsRight ? ["capset" as const] : []),
  ] as const;
  try {
    return calls.every((name) =>
      answerOf(instructions, { number: syscallNumber(name), args: AN_FD }) === RET_ALLOW
    );
  } catch (error) {
    if (error instanceof RangeError) return false; // a filter that can't be judged is loaded late
    throw error;
  }
}

/**
 * Whether a filter allows all operations, as far as their arguments are numbers. A jump is call -1:
 * the filter may let it fail, but must not do anything else with it.
 */
export function allowsAll({ program }: LoadableFilter, items: readonly PlanItem[]): boolean {
  const instructions = Uint8Array.fromBase64(program);
  const known = new Map<string, boolean>();
  const allows = (item: PlannedOperation): boolean => {
    if (item.syscall === "jump") {
      const answer = answerOf(instructions, { number: -1 });
      return answer === RET_ALLOW || (answer > RET_ERRNO && answer <= RET_ERRNO + MAX_ERRNO);
    }
    const args = item.args.map((value) =>
      typeof value === "number" || typeof value === "bigint"
        ? BigInt.asUintN(64, BigInt(value))
        : 0n
    );
    const key = `${item.syscall} ${args}`;
    const found = known.get(key) ??
      answerOf(instructions, { number: syscallNumber(item.syscall), args }) === RET_ALLOW;
    known.set(key, found);
    return found;
  };
  try {
    return items.every((item) => !("work" in item) && allows(item));
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

const RET_ERRNO = 0x50000;

/** An fd that is none of the streams: a filter may look at its number. */
const AN_FD = [3n];

/**
 * Loads the filter. Only calls that the profile allows may follow: execve and, before a wait, those
 * of {@linkcode letsWait}. With a listener the process always waits, so that the parent can fetch
 * the listener's fd.
 *
 * No jump may follow: the trampoline makes it by a call with the number -1, which the filter would
 * see.
 */
export function loadFilter({ program, flags, unknown }: LoadableFilter): PlanItem[] {
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
