/**
 * The steps of a plan as events of a trace: from the time at which each began to the time at which
 * the next one did, as far as the child got.
 *
 * @module
 */

import type { MarkedStep } from "../../init/operations/step_marks.ts";
import { ContainerError } from "../errors.ts";
import { describeError, type TraceEvent } from "./trace.ts";

/** How a child's trace has ended; `isOpen` where nobody waited for the user's program. */
export interface End {
  /** In milliseconds of this program's `performance.now()`. */
  readonly at: number;
  readonly error?: unknown;
  readonly isOpen?: boolean;
}

/** A step with the time at which it began, if it did and could tell. */
export interface TimedStep extends MarkedStep {
  readonly pid: number;
  readonly ts: number | undefined;
}

/** The end of the birth and the beginning of the plan's own program can belong to the same step. */
export function joinSteps(birth: readonly TimedStep[], own: readonly TimedStep[]): TimedStep[] {
  const [last, first] = [birth.at(-1), own[0]];
  if (last === undefined || first === undefined || last.step !== first.step) {
    return [...birth, ...own];
  }
  const operations = [...last.operations, ...first.operations];
  return [...birth.slice(0, -1), { ...last, operations }, ...own.slice(1)];
}

/**
 * The spans of the steps that were reached.
 *
 * @param initFrom when a re-executed init began, which ends the step that started it
 * @param end how the last one ended
 */
export function stepEvents(
  steps: readonly TimedStep[],
  initFrom: number | undefined,
  end: End,
): TraceEvent[] {
  const last = steps.findLastIndex(({ ts }) => ts !== undefined);
  const reached = steps.slice(0, lastReached(steps, last, end) + 1);
  const failedStep = stepOf(end.error);
  const failed = failedStep === undefined
    ? -1
    : reached.findLastIndex(({ step }, k) => step === failedStep && k >= last);
  return reached.flatMap((step, k): TraceEvent[] => {
    const ts = k > last ? steps[last]?.ts : step.ts;
    if (ts === undefined) return [];
    const next = steps.slice(k + 1, last + 1).find((each) => each.ts !== undefined)?.ts ?? end.at;
    const to = step.step === "reexec" && initFrom !== undefined ? Math.min(next, initFrom) : next;
    const args = {
      operations: step.operations,
      ...(k > last ? { note: step.silent } : {}),
      ...(end.isOpen === true && k === reached.length - 1 ? { open: true } : {}),
      ...(k === failed ? { error: describeError(end.error) } : {}),
    };
    const { pid } = step;
    const at = { pid, tid: pid, cat: "plan" } as const;
    const span: TraceEvent = {
      name: step.step,
      ph: "X",
      ...at,
      ts,
      dur: Math.max(0, to - ts),
      args,
    };
    if (k !== failed) return [span];
    return [span, { name: failureName(end.error), ph: "i", s: "t", ...at, ts: to, args: {} }];
  });
}

/** Behind the last step with a time may be those that can't tell theirs. */
function lastReached(steps: readonly TimedStep[], last: number, end: End): number {
  if (last < 0) return last;
  const rest = steps.slice(last + 1);
  const isEnd = rest.every(({ silent }) => silent !== undefined);
  if (!isEnd || rest.length === 0) return last;
  const isFine = end.error === undefined;
  const wanted = end.isOpen === true ? "ready" : isFine ? "exec" : stepOf(end.error);
  if (steps[last]?.step === wanted) return last;
  return last + 1 + rest.findLastIndex(({ step }) => step === wanted);
}

function stepOf(error: unknown): string | undefined {
  return error instanceof ContainerError ? error.step : undefined;
}

function failureName(error: unknown): string {
  const { syscall, errno, code } = error as ContainerError;
  return syscall === undefined ? `failed: ${code}` : `failed: ${syscall} ${errno ?? ""}`.trim();
}
