/**
 * Runs a plan in the process that it is for: one program of system calls after the other, with the
 * work in TypeScript in between, up to the final execve.
 *
 * @module
 */

import { failedWith } from "../ffi/c/errno.ts";
import { F_SETFD } from "../ffi/c/fd_numbers.ts";
import { AT_EMPTY_PATH, Fd, O_PATH } from "../ffi/files/file.ts";
import type { Argument } from "../ffi/program/operation.ts";
import { SyscallProgram } from "../ffi/program/program.ts";
import { executableFile, programImage } from "../ffi/program/program_image.ts";
import { openInside } from "../src/security/safe_path.ts";
import { reportTail } from "./words/channel.ts";
import { doCopyUp, doPlace } from "./work/work.ts";
import { initFailure } from "./operations/failure.ts";
import type { PlanItem, PlannedOperation, Work } from "./operations/operation.ts";
import { hideProcess } from "./steps/process/user.ts";

/** Which process runs a plan, and how. */
export interface RunOptions {
  /** The container's id, which names the process in process lists while it waits. */
  readonly id: string;
  /** Where a failure is reported. */
  readonly status: number;
  /** The files of the cgroups that are entered late, by fd. */
  readonly doors: readonly number[];
  /** Whether it must stay this program, because a trace is kept in this program's memory. */
  readonly isTraced: boolean;
}

/**
 * Runs the plan; it ends in the user's program or, after a report on `status`, in exit.
 *
 * @throws {ContainerError} if an operation before the last program fails
 */
export function runPlan(plan: readonly PlanItem[], options: RunOptions): void {
  const results = new Map<string, number>();
  let segment: PlannedOperation[] = [];
  for (const item of plan) {
    if (!("work" in item)) {
      segment.push(item);
      continue;
    }
    runSegment(segment, results);
    runWork(item, results, options.doors);
    segment = [];
  }
  runLast(segment, results, options);
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

/**
 * The last program is an executable that takes this program's place. It waits for the start, and a
 * process that may trace it meanwhile must not find this program's memory or its other threads: the
 * plan does not apply to those, and they have the host's rights. Where the host forbids executables
 * in memory, the last program runs in this one, and no process may join before the start: see
 * `src/exec/exec.ts`.
 */
function runLast(
  operations: readonly PlannedOperation[],
  results: ReadonlyMap<string, number>,
  { id, status, isTraced }: RunOptions,
): void {
  const known = resolve(operations, results);
  if (!isTraced) {
    const alone = [...hideProcess() as PlannedOperation[], ...known];
    const file = programFile(alone, status);
    if (file !== undefined) become(file, id, openFds(operations, results));
  }
  new SyscallProgram(known, reportTail(status, operations)).run();
}

/** Undefined where the host forbids executables in memory (sysctl vm.memfd_noexec). */
function programFile(operations: readonly PlannedOperation[], status: number): Fd | undefined {
  try {
    return executableFile("hull-init", programImage(operations, reportTail(status, operations)));
  } catch (error) {
    if (failedWith(error, "EACCES")) return undefined;
    throw error;
  }
}

/** Returns only where it can't be executed. */
function become(file: Fd, id: string, kept: readonly number[]): void {
  using _file = file;
  const inherit = kept.map((fd) => {
    return { syscall: "fcntl", args: [fd, F_SETFD, 0], onError: "continue" } as const;
  });
  const vectors = [{ words: ["hull-init", id, 0] }, { words: [0] }];
  new SyscallProgram([
    ...inherit,
    { syscall: "execveat", args: [file.number, "", ...vectors, AT_EMPTY_PATH] },
  ]).run();
}

/**
 * The close-on-exec fds that earlier programs opened and the last one uses. It closes them itself.
 */
function openFds(
  operations: readonly PlannedOperation[],
  results: ReadonlyMap<string, number>,
): number[] {
  const named = operations.flatMap(({ args }) =>
    args.flatMap((argument) =>
      typeof argument === "object" && "result" in argument
        ? [results.get(argument.result) ?? -1]
        : []
    )
  );
  return [...new Set(named)].filter((fd) => fd > 2);
}

function runWork(
  item: Work,
  results: Map<string, number>,
  doors: readonly number[],
): void {
  using stack = new DisposableStack();
  const fdOf = (label: string): Fd => {
    const fd = new Fd(results.get(label) as number);
    stack.defer(() => void fd.release());
    return fd;
  };
  if (item.work === "copyup") return doCopyUp(item, fdOf(item.from), fdOf(item.to), doors);
  const root = fdOf(item.root);
  const like = typeof item.end === "object" ? fdOf(item.end.as) : undefined;
  const place = openInside(root, doPlace(item, root, like), O_PATH);
  results.set(item.label, place.release());
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
