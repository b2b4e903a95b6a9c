/**
 * Runs a birth's program (src/birth/birth.ts): in a child of this program, or below a supervisor.
 *
 * @module
 */

import { Fd } from "../../ffi/files/file.ts";
import type { Poller } from "../../ffi/waiting/poll.ts";
import { SyscallProgram } from "../../ffi/program/program.ts";
import { reportTail } from "../../init/words/channel.ts";
import { initFailure } from "../../init/operations/failure.ts";
import type { PlannedOperation } from "../../init/operations/operation.ts";
import { type BirthOptions, planBirth } from "../birth/birth.ts";
import { PIDFD } from "../process/placed_fds.ts";
import { ContainerError } from "../errors.ts";
import type { InitStatus } from "../process/init_status.ts";
import { Child } from "../process/parent_process.ts";
import type { PlanTrace } from "../trace/plan_trace.ts";
import type { Supervised, SupervisedBirth } from "../supervisor/supervisor.ts";

/**
 * Makes a child of this program; returns once the child is init, or waits for its id maps.
 *
 * @param status where a failure of the birth is reported
 * @param said who reads it there
 * @throws {ContainerError} `InitFailed` if there is no child
 */
export function spawn(
  birth: BirthOptions,
  status: number,
  said: InitStatus,
  poller: Poller,
  trace: PlanTrace | undefined,
): Child {
  const planned = planBirth(birth);
  const operations = trace?.markBirth(planned) ?? planned;
  const tail = reportTail(status, operations, said.know(operations));
  const program = new SyscallProgram(operations, tail);
  program.run();
  // Before it may stand a mark of a trace.
  const clone = operations.findIndex(({ syscall }) => syscall === "clone3");
  const pid = program.result(clone);
  if (pid < 0) throw initFailure(operations[clone] as PlannedOperation, -pid);
  const pidfd = program.output(PIDFD);
  const number = new DataView(pidfd.buffer, pidfd.byteOffset).getInt32(0, true);
  return new Child(pid, new Fd(number), poller);
}

/**
 * Has a supervisor make the child.
 *
 * @param said what the child says
 * @throws {ContainerError} `InitFailed` if there is no child; what `Supervisor.start` throws
 */
export async function supervise(birth: SupervisedBirth, said: InitStatus): Promise<Supervised> {
  const { Supervisor } = await import("../supervisor/supervisor.ts");
  const started = await Supervisor.start(birth);
  if (started !== undefined) return started;
  const message = said.poll();
  if (message?.kind === "error") throw message.error;
  throw new ContainerError("InitFailed", "the supervisor ended before it had made init");
}
