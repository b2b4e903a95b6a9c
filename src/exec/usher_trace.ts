/**
 * The trace of an usher (src/exec/join.ts), with marks in its program. Processes may look into a
 * process that is born in their pid namespace, so that one has no memory of a trace, and its steps
 * have no marks: the first one begins when the usher ends. Loaded only for an exec that is traced.
 *
 * @module
 */

import { MADV_DONTFORK } from "../../ffi/c/memory_numbers.ts";
import { TIMESPEC_SIZE } from "../../ffi/program/clock.ts";
import type { PlannedOperation } from "../../init/operations/operation.ts";
import {
  mapMarks,
  type MarkedPlan,
  type MarkPlace,
  MARKS_SIZE,
  markSteps,
  OWN_ADDRESS,
  readClock,
} from "../../init/operations/step_marks.ts";
import { USHER_BORN, USHER_END } from "./join.ts";
import { PlanTrace } from "../trace/plan_trace.ts";

const BORN = "a process that is born in the container reads no clock: it began later";

/** The trace of a further process, which an usher becomes or makes. */
export class UsherTrace extends PlanTrace {
  /** Marks the program of an usher, which has the memory's file under its own number. */
  markUsher(plan: readonly PlannedOperation[]): PlannedOperation[] {
    const items = this.markOwn((place) => markUsher(plan, place), ["usher"]);
    return [...mapMarks("join", this.file.number), ...hideMarks(), ...items];
  }
}

/** Keeps the trace's memory, which the usher has mapped, out of the process that is born. */
function hideMarks(): PlannedOperation[] {
  const reason = "keep the trace's memory from what is born";
  const args = [OWN_ADDRESS, MARKS_SIZE, MADV_DONTFORK];
  return [{ step: "join", reason, syscall: "madvise", args }];
}

/** Puts a mark at the beginning of each step of the usher, and one at its end. */
export function markUsher(
  plan: readonly PlannedOperation[],
  place: MarkPlace,
): MarkedPlan<PlannedOperation> {
  const at = plan.findIndex(({ label }) => label === USHER_BORN);
  if (at < 0) return markSteps(plan, place); // it becomes the process itself
  const usher = markSteps(plan.slice(0, at), place);
  const mark = place.first + TIMESPEC_SIZE * usher.steps.length;
  const { address, clock } = place;
  const items = usher.items.flatMap((item): PlannedOperation[] => {
    if (item.label !== USHER_END) return [item];
    const { label, ...end } = item;
    return [{ ...readClock(item.step, clock, address + BigInt(mark)), label }, end];
  });
  const born = plan.slice(at);
  const { steps } = markSteps(born, { ...place, first: MARKS_SIZE }); // without marks
  const [first, ...rest] = steps.map((step) => ({ ...step, silent: BORN, clones: 1 }));
  const begun = first === undefined ? [] : [{ ...first, silent: undefined, mark }];
  return { items: [...items, ...born], steps: [...usher.steps, ...begun, ...rest] };
}
