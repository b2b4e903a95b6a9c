/**
 * The system call filter: the last that happens before a process waits where others see it; where the
 * profile does not allow that, before execve, so that it has to allow nothing for hull's sake.
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
import type { InitSeccomp } from "../../../src/config/init_config.ts";
import { answerOf, RET_ALLOW } from "../../../src/security/filters/filter_machine.ts";
import { type PlanItem, type PlannedOperation, StepBuilder } from "../../operations/operation.ts";

const INSTRUCTION_SIZE = 8;

/** Whether a filter hands calls to a listener, whose fd the parent fetches. */
export function hasListener({ flags }: InitSeccomp): boolean {
  return (flags & SECCOMP_FILTER_FLAG.NEW_LISTENER) !== 0;
}

/**
 * Whether a filter lets a process wait behind it: say that it is ready, hear a word or end, and give up
 * the right that loading the filter took. Who waits with such a filter is to be had by nobody who
 * traces it as more than the container; a filter that allows less is loaded behind the wait.
 *
 * @param dropsRight whether there is a right to be given up
 */
export function letsWait({ program }: InitSeccomp, dropsRight: boolean): boolean {
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
    if (error instanceof RangeError) return false; // what is not known is not run early
    throw error;
  }
}

/**
 * Whether a filter allows all operations, as far as their arguments are numbers. A jump is call -1, which
 * may fail, but in no other way.
 */
export function allowsAll({ program }: InitSeccomp, items: readonly PlanItem[]): boolean {
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

/** No stream, since a filter may look at numbers. */
const AN_FD = [3n];

/**
 * Loads the filter. What follows must be calls that the profile allows: execve; before a wait also those
 * of {@linkcode letsWait}. One with a listener always waits, since the parent fetches its fd then.
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
