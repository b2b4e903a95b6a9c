/**
 * Undoes what was begun, after an error. The caller always gets the first error; if undoing fails
 * too, the error says so in addition.
 *
 * @module
 */

import { ContainerError } from "../errors.ts";

/**
 * Runs each step of the undoing, even if those before it failed.
 *
 * @param error what went wrong first
 * @returns the error to throw: the first one, with those of the steps
 */
export async function undone(
  error: unknown,
  ...steps: readonly (() => void | Promise<void>)[]
): Promise<unknown> {
  const failed: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (failure) {
      failed.push(failure);
    }
  }
  return failed.length === 0 ? error : withFailures(error, failed);
}

/**
 * Runs each step that is left to do at an end, even if those before it failed.
 *
 * @throws what the first step threw that failed, with what the others did
 */
export async function finish(...steps: readonly (() => void | Promise<void>)[]): Promise<void> {
  for (const [k, step] of steps.entries()) {
    try {
      await step();
    } catch (error) {
      throw await undone(error, ...steps.slice(k + 1));
    }
  }
}

function withFailures(error: unknown, failed: readonly unknown[]): unknown {
  const undoFailures = failed.map(messageOf);
  if (error instanceof ContainerError) {
    return new ContainerError(error.code, error.summary, { ...error, undoFailures, cause: error });
  }
  const told = `${messageOf(error)}; to undo it failed, too: ${undoFailures.join("; ")}`;
  return new AggregateError([error, ...failed], told);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
