/**
 * Runs a birth's program (src/birth/birth.ts): in a child of this program, or below a supervisor.
 *
 * @module
 */

import type { Poller } from "../../ffi/waiting/poll.ts";
import { type BirthOptions, planBirth } from "../birth/birth.ts";
import { ContainerError } from "../errors.ts";
import type { InitStatus } from "../process/init_status.ts";
import { makeChild } from "../process/make_child.ts";
import type { Child } from "../process/parent_process.ts";
import type { PlanTrace } from "../trace/plan_trace.ts";
import { loadSupervisor } from "./late.ts";
import type { Supervised, SupervisedBirth } from "../supervisor/supervisor.ts";

/**
 * Makes a child of this program; returns once the child is init, or waits for its id maps.
 *
 * @param status where a failure of the birth is reported
 * @param said who reads it there
 * @throws {ContainerError} `InitFailed` if there is no child
 */
export function cloneInit(
  birth: BirthOptions,
  status: number,
  said: InitStatus,
  poller: Poller,
  trace: PlanTrace | undefined,
): Child {
  const planned = planBirth(birth);
  return makeChild(trace?.markBirth(planned) ?? planned, status, said, poller);
}

/**
 * Has a supervisor make the child.
 *
 * @param said what the child says
 * @throws {ContainerError} `InitFailed` if there is no child; what `Supervisor.start` throws
 */
export async function supervise(birth: SupervisedBirth, said: InitStatus): Promise<Supervised> {
  const { Supervisor } = await loadSupervisor();
  const started = await Supervisor.start(birth);
  if (started !== undefined) return started;
  const message = said.poll();
  if (message?.kind === "error") throw message.error;
  throw new ContainerError("InitFailed", "the supervisor ended before it had made init");
}
