/**
 * Work between operations in a process without TypeScript: it shows its parent the fds, waits, and
 * goes on.
 *
 * @module
 */

import type { InitFds, WorkFds } from "../../src/config/init_config.ts";
import { type CopyUp, type PlanItem, result, StepBuilder } from "../operation.ts";

/** What init writes to its status fd when the parent may do the next work. */
export const WORK = "work\n";

/** The plan with the parent in the place of its own TypeScript. */
export function delegateWork(plan: readonly PlanItem[], fds: InitFds): PlanItem[] {
  const { work } = fds;
  if (work === undefined) return [...plan];
  let count = 0;
  return plan.flatMap((item) => "work" in item ? delegate(item, fds, work, count++) : [item]);
}

function delegate(item: CopyUp, fds: InitFds, work: WorkFds, count: number): PlanItem[] {
  const { reason, path, pointer, hint } = item;
  const step = new StepBuilder(item.step);
  const word = new TextEncoder().encode(WORK);
  const done = `work${count}.done`;
  step.because(reason, path, pointer, hint)
    .call("dup3", [result(item.from), work.from, 0])
    .call("dup3", [result(item.to), work.to, 0])
    .call("write", [fds.status, word, word.length]);
  step.because(`wait until the parent has done it; end if it is gone`, path, pointer)
    .call("read", [fds.control, new Uint8Array(1), 1], { onPositive: { jump: done } })
    .call("exit_group", [1])
    .call("getpid", [], { label: done });
  return step.items;
}

/** The work of a plan, in its order. */
export function workOf(plan: readonly PlanItem[]): CopyUp[] {
  return plan.filter((item) => "work" in item);
}
