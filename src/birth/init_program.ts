/**
 * The program that becomes a container's first process: either its plan as an executable, or the
 * re-executed init.
 *
 * @module
 */

import { HostFacts } from "../../init/operations/host_facts.ts";
import type { Work } from "../../init/operations/operation.ts";
import { mountedAt } from "../../init/plan_mounts.ts";
import { planInit } from "../../init/plan.ts";
import { delegateWork, workOf } from "../../init/work/parents_work.ts";
import type { InitConfig } from "../../init/operations/init_config.ts";
import {
  chooseWay,
  type DirectProgram,
  knownWay,
  layOutDirect,
  waitForParentsWork,
  withoutMemoryFiles,
} from "./direct_start.ts";
import type { InitKind, StartWay } from "../../init/start_way.ts";
import type { InitStatus } from "../process/init_status.ts";
import type { PlanTrace } from "../trace/plan_trace.ts";

/** What the layout of a start depends on. */
export interface ProgramOptions {
  /** Which init was asked for. */
  readonly kind: InitKind;
  readonly init: InitConfig;
  /** Who reads what the program reports. */
  readonly said: InitStatus;
  /** What the parent does before the plan goes on; undefined if nothing. */
  readonly attended: string | undefined;
  /** The fds that are the process's own streams. */
  readonly standard: ConstructorParameters<typeof HostFacts>[2];
  /** The program's fd gets a number not below this one. */
  readonly above: number;
  readonly trace: PlanTrace | undefined;
}

/** How a start goes. */
export interface InitProgram {
  readonly way: StartWay;
  /** What a direct start executes. */
  readonly direct?: DirectProgram | undefined;
  /** What the parent does meanwhile, in its order. */
  readonly work: readonly Work[];
}

/**
 * Lays out the plan as the child's program, if it goes that way.
 *
 * @throws {ContainerError} `Unsupported` if it can't go the way that is asked for
 */
export function layOutInit(options: ProgramOptions): InitProgram {
  const { kind, init, said, attended, standard, above, trace } = options;
  const known = knownWay(kind, init.config.linux ?? {});
  if (known !== undefined) return { way: known, work: [] };
  const { rootfs, config, rootFiles } = init;
  const plan = planInit(init, new HostFacts(rootfs, mountedAt(config), standard, rootFiles));
  const way = chooseWay(kind, plan, init.fds);
  if (way.kind === "reexec") return { way, work: [] };
  const whole = delegateWork([...waitForParentsWork(init.fds, attended), ...plan], init.fds);
  const marked = init.trace === undefined ? whole : trace?.markProgram(whole, init.trace.fd);
  const direct = layOutDirect(init.id, marked ?? whole, init.fds, said, above);
  if (direct === undefined) return { way: withoutMemoryFiles(kind), work: workOf(plan) };
  return { way, direct, work: workOf(plan) };
}
