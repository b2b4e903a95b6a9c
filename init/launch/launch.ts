/**
 * The way into a pid or a user namespace that exists. Hostile processes may live there, so no
 * JavaScript runs in it: init stays on the host's side as a launcher, and the plan runs in a clone
 * that goes straight to execve.
 *
 * A process with several threads can't enter a user namespace. A process that enters a pid
 * namespace is not in it itself, only its children are: setns(2). So the launcher makes a first
 * child that joins, and that child makes the container's process. All three are children of the
 * same parent.
 *
 * @module
 */

import { F_SETFD } from "../../ffi/c/fd_numbers.ts";
import { PAGE_SIZE } from "../../ffi/c/memory_numbers.ts";
import { failedWith } from "../../ffi/c/errno.ts";
import { AT_EMPTY_PATH, Fd, read, writeAll } from "../../ffi/files/file.ts";
import { memoryFile, readNumber } from "../../ffi/files/memory_file.ts";
import {
  CLONE_ARGS_SIZE,
  CLONE_CLEAR_SIGHAND,
  CLONE_PARENT,
  CLONE_PIDFD,
  CLONE_VFORK,
  CLONE_VM,
  cloneArguments,
} from "../../ffi/processes/namespaces.ts";
import { Pipe } from "../../ffi/files/pipe.ts";
import { SyscallProgram } from "../../ffi/program/program.ts";
import { executableFile, programImage } from "../../ffi/program/program_image.ts";
import { openProc } from "../../src/security/procfs.ts";
import { reportTail } from "../words/channel.ts";
import type { InitTrace } from "../words/init_trace.ts";
import {
  bornNamespaces,
  hideMemory,
  type LaunchOptions,
  refuseWork,
  settle,
} from "./launch_steps.ts";
import {
  type LaunchUsherOptions,
  needsUsher,
  PAGE_ADDRESS,
  planLaunchUsher,
} from "./launch_usher.ts";
import { type PlanItem, type PlannedOperation, StepBuilder } from "../operations/operation.ts";
import { joinNamespaces } from "../steps/process/namespaces.ts";

const POLLIN = 1;
const PIDFD = "pidfd";
/** The name of an usher in the process table. */
const USHER_NAME = "hull";
const FIRST = "launch.first";
const SECOND = "launch.second";

/**
 * The launcher's plan around a container's.
 *
 * @param plan what the container's process does, up to execve
 * @throws {ContainerError} `Unsupported` if the plan has work that needs JavaScript
 */
export function planLaunch(
  options: LaunchOptions,
  plan: readonly PlanItem[],
): PlannedOperation[] {
  const { namespaces } = options;
  const step = new StepBuilder("clone");
  const first = cloneArguments(CLONE_VM | CLONE_VFORK | CLONE_PARENT, { exitSignal: 0 });
  const second = cloneArguments(
    BigInt(bornNamespaces(namespaces) | CLONE_PARENT) | CLONE_CLEAR_SIGHAND,
    {
      exitSignal: 0,
    },
  );
  step.because("make the child that joins")
    .call("clone3", [first, CLONE_ARGS_SIZE], { label: FIRST, onPositive: "return" });
  const clone = new StepBuilder("clone");
  clone.because("make the container's process", undefined, "/linux/namespaces")
    .call("clone3", [second, CLONE_ARGS_SIZE], { label: SECOND, onPositive: { jump: "launched" } });
  const end = new StepBuilder("clone");
  end.because("end, having joined")
    .call("exit_group", [0], { label: "launched" });
  return refuseWork([
    ...hideMemory(),
    ...step.items,
    ...joinNamespaces(namespaces, undefined, options.userFirst),
    ...clone.items,
    ...settle(options),
    ...plan,
    ...end.items,
  ]);
}

/** How a launcher and the parent talk. */
export interface LaunchFds {
  readonly status: Fd;
  /** The pipe from which a launcher that waits for the parent reads one byte. */
  readonly go: Fd | undefined;
}

/**
 * Runs a launcher's plan and tells the parent, on `status`, whose children it has now. If the
 * parent ends or gives up before its go, the pipe ends with the launcher, and so does the
 * container's process.
 */
export function launch(
  options: Omit<LaunchUsherOptions, "told" | "proc" | "made" | "page">,
  plan: readonly PlanItem[],
  fds: LaunchFds,
  trace?: InitTrace,
): void {
  using pipe = new Pipe();
  using proc = openProc();
  const told = { reader: pipe.reader.number, writer: pipe.writer.number };
  const whole = { ...options, told, proc: proc.number };
  // The memory of a trace is mapped in this program only, so a traced start has no usher.
  if (trace === undefined && needsUsher(options.namespaces) && runUsher(whole, plan, fds, pipe)) {
    return;
  }
  const planned = planLaunch(whole, plan);
  const operations = trace?.mark(planned) ?? planned;
  const program = new SyscallProgram(operations, reportTail(fds.status.number, operations));
  program.run();
  const launched = { first: program.result(FIRST), pid: program.result(SECOND), isUsher: false };
  tell(fds.status, { launched });
  passGoOn(fds, pipe);
}

/**
 * Two processes may write to the status fifo at once: a message that is shorter than a page is
 * written in one piece.
 */
function tell(status: Fd, message: object): void {
  writeAll(status, new TextEncoder().encode(JSON.stringify(message) + "\n"));
}

/** Passes on that the parent has done its part for the container's process; false if it gave up. */
function passGoOn({ go }: LaunchFds, told: Pipe): boolean {
  if (go !== undefined && read(go, 1)?.length !== 1) return false;
  writeAll(told.writer, new Uint8Array([1]));
  return true;
}

/**
 * The same with an usher. It has to be a separate program, so that the process born of it has none
 * of this program's memory.
 *
 * @returns false where the host forbids executables in memory
 */
function runUsher(
  options: Omit<LaunchUsherOptions, "made" | "page">,
  plan: readonly PlanItem[],
  fds: LaunchFds,
  told: Pipe,
): boolean {
  using made = new Pipe();
  using page = memoryFile("hull-born");
  writeAll(page, new Uint8Array(PAGE_SIZE));
  const operations = planLaunchUsher({
    ...options,
    made: { reader: made.reader.number, writer: made.writer.number },
    page: { fd: page.number, address: PAGE_ADDRESS },
  }, plan);
  const image = usherFile(operations, fds.status.number);
  if (image === undefined) return false;
  using file = image;
  const own = [told.reader, told.writer, made.writer, page].map(({ number }) => number);
  const { pid, pidfd } = startUsher(file, [...own, options.proc], fds.status.number);
  using ended = pidfd;
  made.writer.close();
  if (read(made.reader, 1)?.length !== 1) return true; // it has told the parent why
  tell(fds.status, { launched: { first: pid, pid, isUsher: true } });
  if (!passGoOn(fds, told)) return true;
  new SyscallProgram([{ label: "wait", syscall: "jump", args: [], onError: "continue" }, {
    syscall: "ppoll",
    args: [new Uint8Array(new Int32Array([ended.number, POLLIN]).buffer), 1, 0, 0, 8],
    onError: { jump: "wait" }, // by a signal
  }]).run();
  const born = readNumber(page);
  if (born !== 0) tell(fds.status, { born: { pid: born } });
  return true;
}

/** Undefined where the host forbids executables in memory (sysctl vm.memfd_noexec). */
function usherFile(operations: readonly PlannedOperation[], status: number): Fd | undefined {
  try {
    return executableFile("hull-init", programImage(operations, reportTail(status, operations)));
  } catch (error) {
    if (failedWith(error, "EACCES")) return undefined;
    throw error;
  }
}

/** A child of this program's parent that becomes the usher. */
function startUsher(file: Fd, inherited: readonly number[], status: number) {
  const step = new StepBuilder("clone");
  const flags = BigInt(CLONE_VM | CLONE_VFORK | CLONE_PARENT | CLONE_PIDFD);
  step.because("make the child that joins")
    .call("clone3", [cloneArguments(flags, { exitSignal: 0, pidfd: PIDFD }), CLONE_ARGS_SIZE], {
      label: FIRST,
      onPositive: "return",
    });
  step.because("pass on what it needs");
  for (const fd of inherited) step.call("fcntl", [fd, F_SETFD, 0]);
  step.because("become the program of the plan")
    .call("execveat", [file.number, "", { words: [USHER_NAME, 0] }, { words: [0] }, AT_EMPTY_PATH]);
  const operations = step.items as PlannedOperation[];
  const program = new SyscallProgram(operations, reportTail(status, operations));
  program.run();
  const pidfd = program.output(PIDFD);
  const number = new DataView(pidfd.buffer, pidfd.byteOffset).getInt32(0, true);
  return { pid: program.result(FIRST), pidfd: new Fd(number) };
}
