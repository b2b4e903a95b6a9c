/**
 * From the index at which a program stopped to the error that the caller sees.
 *
 * @module
 */

import { errnoName, errnoText, MAX_ERRNO } from "../../ffi/c/errno.ts";
import { ContainerError } from "../../src/errors.ts";
import { errnoHint } from "./errno_hints.ts";
import type { PlannedOperation } from "./operation.ts";

/** What an error needs to know of an operation. */
export type FailedOperation = Pick<
  PlannedOperation,
  "step" | "syscall" | "reason" | "path" | "pointer" | "hint"
>;

/** The error of an operation that failed with `errno`. */
export function initFailure(operation: FailedOperation, errno: number): ContainerError {
  const { step, syscall, path, pointer } = operation;
  const hint = operation.hint ?? errnoHint(operation, errno);
  if (syscall === "futex") {
    // A comparison: see init/steps/places/verify.ts. The errno says only that it failed.
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

/** What a report holds of a search for the program. */
interface Search {
  readonly table: readonly (FailedOperation & { readonly onError?: unknown })[];
  /** The operations that opened candidates, with the paths. */
  readonly tried: readonly (readonly [index: number, path: string])[];
  readonly result: (index: number) => number;
}

/** The errors by which a candidate counts as missing. */
const ABSENT: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "EINVAL"]);

/**
 * Why the program could not be found or executed, where it was looked for by its name. As with
 * execvp(3), a file that is there but may not be executed is reported rather than one that is
 * missing. An error of execve is reported with the path of the file that was executed.
 */
export function searchFailure(
  operation: FailedOperation,
  errno: number,
  { table, tried, result }: Search,
): { readonly why: FailedOperation; readonly errno: number } {
  if (operation.pointer !== PROGRAM || isPath(operation)) return { why: operation, errno };
  if (operation.syscall === "execve") {
    const path = tried.findLast(([index]) => result(index) > 0)?.[1];
    return { why: path === undefined ? operation : { ...operation, path }, errno };
  }
  for (const [index, entry] of table.entries()) {
    const met = -result(index);
    const isAttempt = entry.pointer === PROGRAM && typeof entry.onError === "object";
    if (!isAttempt || met <= 0 || met > MAX_ERRNO || ABSENT.has(errnoName(met))) continue;
    return { why: entry, errno: met };
  }
  return { why: operation, errno };
}

const PROGRAM = "/process/args/0";

function isPath({ path = "" }: FailedOperation): boolean {
  return path.includes("/");
}

/**
 * A program that can't be started is reported in the words by which engines choose between their
 * exit codes 126 and 127.
 */
function summary(operation: FailedOperation, errno: number): string {
  const { reason, path = "", pointer, syscall } = operation;
  if (pointer !== PROGRAM) return `cannot ${reason}: ${errnoText(errno)}`;
  const isMissing = !isPath(operation) && syscall !== "execve";
  const what = isMissing ? "executable file not found in $PATH" : errnoText(errno);
  return `exec: ${JSON.stringify(path)}: ${what}`;
}
