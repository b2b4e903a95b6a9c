/**
 * Runs a plan in the process that it is for: program after program, with the TypeScript between
 * them, up to the execve from which nothing comes back.
 *
 * @module
 */

import { Fd } from "../ffi/file.ts";
import { type Argument, SyscallProgram } from "../ffi/program.ts";
import { reportTail } from "./channel.ts";
import { doWork } from "./work.ts";
import { initFailure } from "./failure.ts";
import type { CopyUp, PlanItem, PlannedOperation } from "./operation.ts";

/**
 * Runs the plan; it ends in the user's program or, after a report on `status`, in exit.
 *
 * @param doors the files of the cgroups that are entered late, by fd
 * @throws {ContainerError} if an operation before the last program fails
 */
export function runPlan(
  plan: readonly PlanItem[],
  status: number,
  doors: readonly number[] = [],
): void {
  const results = new Map<string, number>();
  let segment: PlannedOperation[] = [];
  for (const item of plan) {
    if (!("work" in item)) {
      segment.push(item);
      continue;
    }
    runSegment(segment, results);
    runWork(item, results, doors);
    segment = [];
  }
  runLast(segment, results, status);
}

function runSegment(operations: readonly PlannedOperation[], results: Map<string, number>): void {
  const program = new SyscallProgram(resolve(operations, results));
  program.run();
  const failure = program.failure();
  if (failure !== undefined) {
    throw initFailure(operations[failure.index] as PlannedOperation, failure.errno);
  }
  operations.forEach(({ label }, index) => {
    if (label !== undefined) results.set(label, program.result(index));
  });
}

function runLast(
  operations: readonly PlannedOperation[],
  results: ReadonlyMap<string, number>,
  status: number,
): void {
  new SyscallProgram(resolve(operations, results), reportTail(status, operations)).run();
}

function runWork(
  item: CopyUp,
  results: ReadonlyMap<string, number>,
  doors: readonly number[],
): void {
  const from = new Fd(results.get(item.from) as number);
  const to = new Fd(results.get(item.to) as number);
  try {
    doWork(item, from, to, doors);
  } finally {
    from.release();
    to.release();
  }
}

/** Puts the results of earlier programs in place of the references to them. */
function resolve(
  operations: readonly PlannedOperation[],
  results: ReadonlyMap<string, number>,
): PlannedOperation[] {
  if (results.size === 0) return [...operations];
  const own = new Set(operations.map(({ label }) => label));
  const known = (argument: Argument): Argument => {
    if (typeof argument !== "object" || !("result" in argument) || own.has(argument.result)) {
      return argument;
    }
    return results.get(argument.result) ?? argument;
  };
  return operations.map((operation) => ({ ...operation, args: operation.args.map(known) }));
}
