/**
 * From the index at which a program stopped to the error that the caller sees.
 *
 * @module
 */

import { errnoName, errnoText } from "../ffi/errno.ts";
import { ContainerError } from "../src/errors.ts";
import type { PlannedOperation } from "./operation.ts";

/** What an error needs to know of an operation. */
export type FailedOperation = Pick<
  PlannedOperation,
  "step" | "syscall" | "reason" | "path" | "pointer" | "hint"
>;

/** The error of an operation that failed with `errno`. */
export function initFailure(operation: FailedOperation, errno: number): ContainerError {
  const { step, syscall, path, pointer, hint } = operation;
  if (syscall === "futex") {
    // A comparison: see steps/verify.ts. The errno says only that it failed.
    const said = `cannot ${operation.reason}: something else stands there`;
    return new ContainerError("InitFailed", said, { step, path, pointer, hint });
  }
  return new ContainerError("InitFailed", summary(operation, errno), {
    step,
    syscall,
    errno: errnoName(errno),
    path,
    pointer,
    hint,
  });
}

/**
 * A program that can't be started is told in the words that engines look for, to choose between
 * their exit codes 126 and 127.
 */
function summary({ reason, path, hint, pointer }: FailedOperation, errno: number): string {
  if (pointer !== "/process/args/0") return `cannot ${reason}: ${errnoText(errno)}`;
  const searched = hint?.startsWith("PATH") ?? false;
  if (searched && errnoName(errno) !== "EACCES") {
    const program = path?.slice(path.lastIndexOf("/") + 1) ?? "";
    return `exec: ${JSON.stringify(program)}: executable file not found in $PATH`;
  }
  return `exec: ${JSON.stringify(path ?? "")}: ${errnoText(errno)}`;
}
