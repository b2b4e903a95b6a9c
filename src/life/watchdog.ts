/**
 * What ends a container in time, even if the program that made it is dead by then.
 *
 * It is a program of a few system calls, outside the container: it waits for the deadline, for the
 * end of the program whose session the container is, and for the end of the container's first process;
 * then it kills that process, with which the kernel ends all the others of its pid namespace. Nothing
 * inside can see it or signal it, as the first process's pidfd is all that it has of the container.
 *
 * Source: poll(2), pidfd_send_signal(2), pid_namespaces(7).
 *
 * @module
 */

import { LAST_FD } from "../../ffi/c/fd_numbers.ts";
import { SIGKILL } from "../../ffi/c/signal_numbers.ts";
import { duplicate } from "../../ffi/files/descriptor.ts";
import { type Fd, read } from "../../ffi/files/file.ts";
import { Pipe } from "../../ffi/files/pipe.ts";
import { CLONE_ARGS_SIZE, cloneArguments } from "../../ffi/processes/namespaces.ts";
import { openPidfd, reapEnding, signalPidfd } from "../../ffi/processes/process.ts";
import type { Argument, Operation } from "../../ffi/program/operation.ts";
import { programImage } from "../../ffi/program/program_image.ts";
import { EPOLLIN } from "../../ffi/waiting/poll.ts";
import { startProgram } from "../process/memory_program.ts";
import { identify, openIdentified, type ProcessIdentity } from "../state/process_identity.ts";

const NAME = "hull-watchdog";

/** What a watchdog waits for. */
export interface Watch {
  /** The container's id, which names the watchdog in process lists. */
  readonly id: string;
  /** The container's first process. */
  readonly first: Fd;
  /** The program whose end is the container's end. */
  readonly session: Fd | undefined;
  /** After so many milliseconds it ends in any case. */
  readonly afterMs: number | undefined;
}

/**
 * Starts a watchdog. It is no child of this program's, which need not wait for its end.
 *
 * @returns undefined if the container has ended meanwhile, and the watchdog with it
 * @throws {ContainerError} `Unsupported` where the host forbids executable files in memory
 */
export function startWatchdog(watch: Watch): ProcessIdentity | undefined {
  using stack = new DisposableStack();
  // Above the standard streams, which the watchdog closes.
  const above = (fd: Fd) => stack.use(duplicate(fd, 3)).number;
  const pipe = stack.use(new Pipe());
  const report = above(pipe.writer);
  const watched = [watch.first, watch.session].filter((fd) => fd !== undefined).map(above);
  const pid = startProgram(programImage(operations(watched, report, watch.afterMs)), {
    words: [NAME, watch.id],
    inherited: [...watched, report],
    who: "what ends a container in time",
  });
  {
    using parent = openPidfd(pid);
    reapEnding(parent);
  }
  const told = read(pipe.reader, PID_SIZE);
  return told === undefined ? undefined : identify(new DataView(told.buffer).getInt32(0, true));
}

/** Ends a watchdog; the container is not touched. */
export function endWatchdog(identity: ProcessIdentity): void {
  using pidfd = openIdentified(identity);
  if (pidfd !== undefined) signalPidfd(pidfd, SIGKILL);
}

const PID_SIZE = 4;

/** @param watched that of the container's first process first */
function operations(
  watched: readonly number[],
  report: number,
  afterMs: number | undefined,
): Operation[] {
  const [first = 0] = watched;
  const polled = new Uint8Array(new Int32Array(watched.flatMap((fd) => [fd, EPOLLIN])).buffer);
  const time = afterMs === undefined ? 0 : timespec(afterMs);
  return [
    // The parent of the watchdog ends at once.
    {
      ...call("clone3", [cloneArguments(0, { exitSignal: 0 }), CLONE_ARGS_SIZE]),
      onPositive: { jump: "end" },
      onError: { jump: "end" },
    },
    call("setsid", []), // the end of a terminal must not end it
    call("chdir", ["/"]),
    { ...call("getpid", []), label: "me" },
    call("write", [report, { placeOf: "me" }, PID_SIZE]),
    ...closeAllBut(watched),
    call("ppoll", [polled, watched.length, time, 0, 8]),
    call("pidfd_send_signal", [first, SIGKILL, 0, 0]),
    { ...call("exit_group", [0]), label: "end" },
  ];
}

function closeAllBut(kept: readonly number[]): Operation[] {
  let from = 0;
  const closes = kept.toSorted((a, b) => a - b).map((fd) => {
    const range = call("close_range", [from, fd - 1, 0]);
    from = fd + 1;
    return range;
  });
  return [...closes, call("close_range", [from, LAST_FD, 0])];
}

function timespec(ms: number): Uint8Array {
  const seconds = Math.floor(ms / 1000);
  const rest = Math.round((ms - seconds * 1000) * 1_000_000);
  return new Uint8Array(new BigInt64Array([BigInt(seconds), BigInt(rest)]).buffer);
}

function call(syscall: Operation["syscall"], args: readonly Argument[]): Operation {
  return { syscall, args, onError: "continue" };
}
