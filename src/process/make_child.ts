/**
 * Makes a child of this program by a program of system calls.
 *
 * @module
 */

import { Fd } from "../../ffi/files/file.ts";
import { SyscallProgram } from "../../ffi/program/program.ts";
import type { Poller } from "../../ffi/waiting/poll.ts";
import { initFailure } from "../../init/operations/failure.ts";
import type { PlannedOperation } from "../../init/operations/operation.ts";
import { reportTail } from "../../init/words/channel.ts";
import type { InitStatus } from "./init_status.ts";
import { Child } from "./parent_process.ts";
import { PIDFD } from "./placed_fds.ts";

/**
 * Runs the program on this thread up to its clone3; the child goes on with what follows. If the
 * child shares this program's memory, this returns when it has executed a program or has ended.
 *
 * @param operations one of them is the clone3, which keeps the child's pidfd as {@linkcode PIDFD}
 * @param status the fd to which the child writes which call failed
 * @param said what reads it from there
 * @throws {ContainerError} `InitFailed` if there is no child
 */
export function makeChild(
  operations: readonly PlannedOperation[],
  status: number,
  said: InitStatus,
  poller: Poller,
): Child {
  const program = new SyscallProgram(
    operations,
    reportTail(status, operations, said.know(operations)),
  );
  program.run();
  const clone = operations.findIndex(({ syscall }) => syscall === "clone3");
  const pid = program.result(clone);
  if (pid < 0) throw initFailure(operations[clone] as PlannedOperation, -pid);
  const pidfd = program.output(PIDFD);
  const number = new DataView(pidfd.buffer, pidfd.byteOffset).getInt32(0, true);
  return new Child(pid, new Fd(number), poller);
}
