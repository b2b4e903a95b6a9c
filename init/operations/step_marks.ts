/**
 * The marks of a trace. Between two steps of a plan stands a call that reads the clock and writes
 * the time to memory shared with the parent. Without a trace a plan has no marks.
 *
 * Steps behind a system call filter have no mark, since the profile need not allow the call that
 * reads the clock.
 *
 * @module
 */

import { mapShared } from "../../ffi/program/shared_memory.ts";
import { TIMESPEC_SIZE } from "../../ffi/program/clock.ts";
import type { PlanItem, PlannedOperation, StepName } from "./operation.ts";

/** The size of the shared memory in bytes: some thousand times. */
export const MARKS_SIZE = 0x1_0000;
/** Where the times of init's program begin, behind those of the birth. */
export const INIT_MARKS: number = MARKS_SIZE / 2;
/**
 * Where an executable maps the memory: between its segments and the stack, where only the page of
 * an usher lies (src/exec/usher.ts).
 */
export const OWN_ADDRESS = 0x3100_0000n;

const BEHIND_FILTER = "behind the filter no clock is read: it began later";

/** A run of a plan's operations that belong to one step. */
export interface MarkedStep {
  readonly step: StepName;
  /** What it does, each reason with its calls. */
  readonly operations: readonly string[];
  /** Where in the shared memory the time stands at which it began, in bytes. */
  readonly mark?: number | undefined;
  /** Why it can have no mark, in words for the trace. */
  readonly silent?: string | undefined;
  /** How many clones stand before it; each begins another process. */
  readonly clones: number;
}

/** Where the marks go. */
export interface MarkPlace {
  /** The address of the shared memory. */
  readonly address: bigint;
  /** The place of the first one in it, in bytes. */
  readonly first: number;
  /** The clock's number. */
  readonly clock: number;
}

/** A plan with marks. */
export interface MarkedPlan<Item> {
  readonly items: (Item | PlannedOperation)[];
  readonly steps: readonly MarkedStep[];
}

/**
 * Puts a mark at the beginning of each step.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { markSteps } from "./step_marks.ts";
 * import { setNames } from "../steps/process/hostname.ts";
 *
 * const place = { address: 0x1000n, first: 0, clock: 1 };
 * const { items, steps } = markSteps(setNames("web", undefined), place);
 * assertEquals(items.map((item) => "work" in item ? "" : item.syscall), [
 *   "clock_gettime",
 *   "sethostname",
 * ]);
 * assertEquals(steps.map(({ step }) => step), ["hostname"]);
 * ```
 */
export function markSteps<Item extends PlanItem>(
  plan: readonly Item[],
  { address, first, clock }: MarkPlace,
): MarkedPlan<Item> {
  const items: (Item | PlannedOperation)[] = [];
  const steps: MarkedStep[] = [];
  let [clones, isFiltered, mark] = [0, false, first];
  for (const run of runsOf(plan)) {
    const { step } = run[0] as Item;
    const hasMark = !isFiltered && mark + TIMESPEC_SIZE <= MARKS_SIZE;
    steps.push({
      step,
      operations: describe(run),
      clones,
      ...(hasMark ? { mark } : {}),
      ...(isFiltered ? { silent: BEHIND_FILTER } : {}),
    });
    if (hasMark) {
      items.push(readClock(step, clock, address + BigInt(mark)));
      mark += TIMESPEC_SIZE;
    }
    for (const item of run) items.push(item); // a step may have more than a call takes arguments
    clones += run.filter((item) => isCall(item, "clone3")).length;
    isFiltered ||= run.some((item) => isCall(item, "seccomp"));
  }
  return { items, steps };
}

/** The plan in pieces, each of one step. */
function runsOf<Item extends PlanItem>(plan: readonly Item[]): Item[][] {
  const runs: Item[][] = [];
  for (const item of plan) {
    const run = runs.at(-1);
    if (run?.[0]?.step === item.step) run.push(item);
    else runs.push([item]);
  }
  return runs;
}

/** A look at the clock, whose answer goes to an address. */
export function readClock(step: StepName, clock: number, address: bigint): PlannedOperation {
  return {
    step,
    reason: "mark the time for the trace",
    syscall: "clock_gettime",
    args: [clock, address],
    onError: "continue",
  };
}

/** How an executable maps the shared memory; it closes the memory's fd afterwards. */
export function mapMarks(step: StepName, fd: number): PlannedOperation[] {
  const reason = "share the trace's memory with the parent";
  return [
    { step, reason, ...mapShared(fd, MARKS_SIZE, OWN_ADDRESS) },
    { step, reason, syscall: "close", args: [fd] },
  ];
}

/** How an executable unmaps the memory, before it goes on for long. */
export function unmapMarks(step: StepName): PlannedOperation[] {
  const reason = "give the trace's memory back";
  const args = [OWN_ADDRESS, MARKS_SIZE];
  return [{ step, reason, syscall: "munmap", args, onError: "continue" }];
}

function isCall(item: PlanItem, name: string): boolean {
  return !("work" in item) && item.syscall === name;
}

/** Each reason once, with its calls. */
function describe(run: readonly PlanItem[]): string[] {
  const lines: { readonly why: string; readonly calls: string[] }[] = [];
  for (const item of run) {
    const why = item.pointer === undefined ? item.reason : `${item.reason} (${item.pointer})`;
    const call = "work" in item ? item.work : item.syscall;
    if (lines.at(-1)?.why === why) lines.at(-1)?.calls.push(call);
    else lines.push({ why, calls: [call] });
  }
  return lines.map(({ why, calls }) => `${why}: ${calls.join(", ")}`);
}
