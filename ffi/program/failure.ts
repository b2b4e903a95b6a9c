/**
 * Where a program stopped, found in its memory.
 *
 * @module
 */

import { errnoNumber, MAX_ERRNO } from "../c/errno.ts";
import { OPERATION_SIZE, RESULT_OFFSET } from "./trampoline.ts";
import type { Operation } from "./operation.ts";

/** The operation at which a program stopped. */
export interface Failure {
  readonly index: number;
  readonly errno: number;
}

/**
 * The first operation whose result in a program's memory is an error that ends it.
 *
 * @param operations the program's, of which only `onError` and `tolerated` count
 * @param memory the program's memory, or a copy that a child wrote as its report
 */
export function findFailure(
  operations: readonly Pick<Operation, "syscall" | "onError" | "tolerated">[],
  memory: DataView,
): Failure | undefined {
  for (const [index, { syscall, onError, tolerated }] of operations.entries()) {
    if (syscall === "jump" || onError === "continue") continue;
    if (typeof onError === "object" && onError.fails !== true) continue;
    const result = memory.getBigInt64(index * OPERATION_SIZE + RESULT_OFFSET, true);
    if (result >= 0n || result < -BigInt(MAX_ERRNO)) continue;
    const errno = Number(-result);
    if (tolerated !== undefined && errnoNumber(tolerated) === errno) continue;
    return { index, errno };
  }
  return undefined;
}
