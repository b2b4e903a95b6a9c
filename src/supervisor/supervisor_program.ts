/**
 * What a supervisor does, from its first call to its last, as a program of system calls.
 *
 * @module
 */

import { F_SETFD, FD_CLOEXEC, LAST_FD } from "../../ffi/c/fd_numbers.ts";
import { SIGINFO_SIZE } from "../../ffi/processes/process.ts";
import type { Argument, Operation } from "../../ffi/program/operation.ts";
import { type PlannedOperation, StepBuilder } from "../../init/operations/operation.ts";
import { type BirthOptions, planBirth } from "../birth/birth.ts";
import type { OtherParent } from "../process/bearer.ts";
import type { PlanTrace } from "../trace/plan_trace.ts";
import { type MemoryFiles, watchMemory, writeMemory } from "./memory_watch.ts";

/** What a supervisor is the parent of. */
export interface Supervision {
  readonly birth: BirthOptions;
  /** Whether the child is a launcher, which makes the container's process and ends. */
  readonly isLauncher: boolean;
  /** The trace of the birth. */
  readonly trace?: PlanTrace | undefined;
  /** What tells that the memory ran out, where that must be read before the end. */
  readonly memory?: MemoryFiles | undefined;
}

const P_PID = 1;
const P_PIDFD = 3;
const WEXITED = 4;
const WALL = 0x40000000;
/** The number of what is opened once all but some high ones are closed. */
const LOWEST = 0;
/** In bytes. */
export const PID_SIZE = 4;

/**
 * The program of a supervisor.
 *
 * @param inherited the fds that came over execve, to be closed by the next
 * @param socket to the program that made the container
 * @param record gets how the process ended, and then what `memory` says
 */
export function supervisorProgram(
  { birth, isLauncher, trace, memory }: Supervision,
  inherited: readonly number[],
  socket: number,
  record: number,
): PlannedOperation[] {
  const parent: OtherParent = { label: "parent", pid: { space: PID_SIZE, name: "child" } };
  const [clone, ...rest] = planBirth({ ...birth, parent }) as [
    PlannedOperation,
    ...PlannedOperation[],
  ];
  const made = [{ ...clone, label: "clone" }, ...rest];
  const marked = trace?.markSupervised(made);
  return [
    ...calls("supervise the container's process", [
      // These came over execve; what inherits the others in place is for the birth to say.
      ...inherited.map((fd): Operation => call("fcntl", [fd, F_SETFD, FD_CLOEXEC])),
      call("setsid", []), // the end of a terminal must not end the supervisor
    ]),
    ...(marked?.map ?? []),
    ...(marked?.items ?? made),
    ...calls("wait for the container's process", [
      // Other pipes are closed, so that the supervisor never delays the end of one.
      ...closeAllBut([socket, record, ...numbersOf(memory)], parent.label),
      ...(marked?.unmap ?? []),
      call("write", [socket, parent.pid, PID_SIZE]),
      ...(isLauncher ? waitForAdopted(socket, memory) : waitForChild(socket, memory)),
      call("write", [record, ENDED, SIGINFO_SIZE]),
      ...(memory === undefined ? [] : writeMemory(record)),
      call("exit_group", [0], { label: "end" }),
    ]),
  ];
}

const ENDED = { space: SIGINFO_SIZE, name: "ended" } as const;

function numbersOf(memory: MemoryFiles | undefined): number[] {
  return [memory?.counts, memory?.counter].filter((fd) => fd !== undefined);
}

/** Waits until the socket ends: the program then has its own handle on the child. */
function waitForChild(socket: number, memory: MemoryFiles | undefined): Operation[] {
  return [
    call("read", [socket, { space: 1, name: "word" }, 1]),
    call("close", [socket]),
    call("chdir", ["/"]),
    ...(memory === undefined ? [] : [
      call("pidfd_open", [{ result: "clone" }, 0]), // LOWEST
      ...watchMemory(memory, LOWEST),
    ]),
    call("waitid", [P_PID, { result: "clone" }, ENDED, WEXITED | WALL, 0], {
      onError: { jump: "end" },
    }),
  ];
}

/**
 * The launcher and the child that joined have ended then. The process that they made is also a
 * child of this one.
 */
function waitForAdopted(socket: number, memory: MemoryFiles | undefined): Operation[] {
  const fds = { space: 24, name: "fds" };
  const message = { words: [0, 0, { words: [new Uint8Array(8), 8] }, 1, fds, fds.space, 0] };
  const [adopted, first] = [LOWEST, LOWEST + 1];
  return [
    call("recvmsg", [socket, message, 0]),
    call("close", [socket]),
    call("chdir", ["/"]),
    call("waitid", [P_PID, { result: "clone" }, ENDED, WEXITED | WALL, 0]),
    call("waitid", [P_PIDFD, first, ENDED, WEXITED | WALL, 0]),
    call("close", [first]),
    ...(memory === undefined ? [] : watchMemory(memory, adopted)),
    call("waitid", [P_PIDFD, adopted, ENDED, WEXITED | WALL, 0], { onError: { jump: "end" } }),
  ];
}

function closeAllBut(kept: readonly number[], label: string): Operation[] {
  let first = 0;
  const ranges = kept.toSorted((a, b) => a - b).map((fd) => {
    const range = call("close_range", [first, fd - 1, 0]);
    first = fd + 1;
    return range;
  });
  const [lowest, ...rest] = [...ranges, call("close_range", [first, LAST_FD, 0])];
  return [{ ...lowest as Operation, label }, ...rest];
}

function call(
  syscall: Operation["syscall"],
  args: readonly Argument[],
  more: Partial<Operation> = {},
): Operation {
  return { syscall, args, onError: "continue", ...more };
}

/** Gives each call a reason, for the report. */
function calls(reason: string, operations: readonly Operation[]): PlannedOperation[] {
  const step = new StepBuilder("clone").because(reason);
  for (const { syscall, args, ...options } of operations) {
    step.call(syscall as Exclude<typeof syscall, "jump">, args, options);
  }
  return step.items as PlannedOperation[];
}
