/**
 * Checks of the process' scheduling: CPU policy, I/O priority, CPU affinity (config.md, Linux
 * Process; sched_setattr(2), ioprio_set(2)).
 *
 * @module
 */

import { parseCpuList } from "../cpu_list.ts";
import { IO_PRIORITY_CLASSES, SCHEDULER_FLAGS, SCHEDULER_POLICIES } from "../types/names.ts";
import type { Field } from "../fields/field.ts";

const INT32 = [-0x8000_0000, 0x7fff_ffff] as const;

/** `process.scheduler`. */
export function checkScheduler(scheduler: Field): void {
  if (!scheduler.isObject()) return;
  const policy = scheduler.need("policy").oneOf(SCHEDULER_POLICIES);
  for (const flag of scheduler.get("flags").items()) flag.oneOf(SCHEDULER_FLAGS);

  const timeShared = policy === "SCHED_OTHER" || policy === "SCHED_BATCH";
  const [low, high] = timeShared ? [-20, 19] as const : INT32;
  scheduler.get("nice").integer(low, high);

  const realtime = policy === "SCHED_FIFO" || policy === "SCHED_RR";
  const priority = scheduler.get("priority");
  if (realtime) priority.integer(1, 99);
  else if (priority.integer(...INT32) && policy !== undefined) {
    priority.fault(`can only be set for SCHED_FIFO and SCHED_RR, not for ${policy}`);
  }
  checkDeadline(scheduler, policy);
}

function checkDeadline(scheduler: Field, policy: string | undefined): void {
  const names = ["runtime", "deadline", "period"] as const;
  const [runtime = 0, deadline = 0, period = 0] = names.map((name) => scheduler.get(name).uint64());
  if (policy === "SCHED_DEADLINE") {
    if (runtime === 0) {
      scheduler.get("runtime").fault("must be given and above 0 for SCHED_DEADLINE");
    }
    if (runtime > deadline) scheduler.get("deadline").fault("must not be below runtime");
    if (period !== 0 && deadline > period) {
      scheduler.get("period").fault("must not be below deadline");
    }
    return;
  }
  if (policy === undefined) return;
  for (const name of names) {
    const field = scheduler.get(name);
    if (field.value) field.fault(`can only be set for SCHED_DEADLINE, not for ${policy}`);
  }
}

/** `process.ioPriority`. */
export function checkIoPriority(ioPriority: Field): void {
  if (!ioPriority.isObject()) return;
  ioPriority.need("class").oneOf(IO_PRIORITY_CLASSES);
  ioPriority.get("priority").integer(0, 7);
}

/** `process.execCPUAffinity`. */
export function checkCpuAffinity(affinity: Field): void {
  if (!affinity.isObject()) return;
  checkList(affinity.get("initial"), "CPUs");
  checkList(affinity.get("final"), "CPUs");
}

/** A list of CPUs or memory nodes; gives its numbers, none if it is empty or missing. */
export function checkList(list: Field, what: "CPUs" | "memory nodes"): number[] {
  const text = list.string();
  if (text === undefined) return [];
  const numbers = parseCpuList(text);
  if (numbers === undefined) list.mismatch(`a list of ${what} such as 0-3,7`);
  return numbers ?? [];
}
