/**
 * Work between operations in a process without TypeScript: the process shows its parent the fds,
 * waits until the parent has done the work, and goes on.
 *
 * @module
 */

import type { InitFds, WorkFds } from "../operations/init_config.ts";
import { O_CLOEXEC, O_DIRECTORY, O_PATH } from "../../ffi/files/file.ts";
import { openHow, PATH_MAX, RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS } from "../../ffi/files/path.ts";
import type { Argument } from "../../ffi/program/operation.ts";
import {
  type MakePlace,
  type PlanItem,
  type PlannedOperation,
  result,
  StepBuilder,
  type Work,
} from "../operations/operation.ts";

/** What init writes to its status fd, with the work's number, when the parent may do the work. */
export const WORK = "work ";

/** The plan in which the parent does the work that needs TypeScript. */
export function delegateWork(plan: readonly PlanItem[], fds: InitFds): PlanItem[] {
  const { work } = fds;
  const items: PlanItem[] = [];
  let count = 0;
  for (const item of plan) {
    if (!("work" in item)) items.push(item);
    else if (work !== undefined) items.push(...delegate(item, fds, work, count++));
    else items.push(item.work === "place" ? openAlone(item) : item);
  }
  return items;
}

function delegate(item: Work, fds: InitFds, work: WorkFds, count: number): PlanItem[] {
  const { reason, path, pointer, hint } = item;
  const step = new StepBuilder(item.step);
  const word = new TextEncoder().encode(`${WORK}${count}\n`);
  const done = `work${count}.done`;
  step.because(reason, path, pointer, hint);
  const [from, to] = item.work === "copyup"
    ? [item.from, item.to]
    : [item.root, typeof item.end === "object" ? item.end.as : item.root];
  const answer = new Uint8Array(item.work === "copyup" ? 1 : PATH_MAX);
  if (item.work === "place") {
    // The parent makes what is missing and writes the path with its links resolved over this one.
    new TextEncoder().encodeInto(item.asked, answer);
    step.call("openat2", placeArguments(item, answer), {
      label: item.label,
      onError: "continue",
      onPositive: { jump: done },
    });
  }
  step.call("dup3", [result(from), work.from, 0])
    .call("dup3", [result(to), work.to, 0])
    .call("write", [fds.status, word, word.length]);
  const again = item.work === "copyup" ? done : item.label;
  step.because(`wait until the parent has done it; end if it is gone`, path, pointer)
    .call("read", [fds.control, answer, answer.length], { onPositive: { jump: again } })
    .call("exit_group", [1])
    .land(done);
  return step.items;
}

function placeArguments({ root, end }: MakePlace, path: string | Uint8Array): readonly Argument[] {
  const resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const flags = O_PATH | O_CLOEXEC | (end === "directory" ? O_DIRECTORY : 0);
  const how = openHow(flags, 0, resolve);
  return [result(root), path, how, how.length];
}

/** Opens a place where nobody can make it: it must be there. */
export function openAlone(item: MakePlace): PlannedOperation {
  const { step, reason, path, pointer, hint = ALONE, label } = item;
  const args = placeArguments(item, item.asked);
  return { step, reason, path, pointer, hint, syscall: "openat2", args, label };
}

const ALONE =
  "if it is missing, make it beforehand or let hull choose how to start: a direct start " +
  "makes no such place here";

/** The work of a plan, in its order. */
export function workOf(plan: readonly PlanItem[]): Work[] {
  return plan.filter((item) => "work" in item);
}
