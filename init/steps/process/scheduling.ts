/**
 * When the program gets the CPU and the disk: affinity, scheduling policy, I/O priority.
 *
 * All of it acts on the calling thread, which is the one that becomes the program.
 *
 * Source: sched_setattr(2), sched_setaffinity(2), ioprio_set(2), the runtime-spec's "Linux
 * Process".
 *
 * @module
 */

import {
  allCpus,
  cpuMask,
  IOPRIO_CLASS,
  IOPRIO_CLASS_SHIFT,
  IOPRIO_WHO_PROCESS,
  SCHED_FLAG,
  SCHED_POLICY,
  schedulerAttributes,
} from "../../../ffi/processes/scheduler.ts";
import { parseCpuList } from "../../../src/config/cpu_list.ts";
import type { CpuAffinity, IoPriority, Scheduler } from "../../../src/config/types/config.ts";
import { type PlanItem, StepBuilder } from "../../operations/operation.ts";

/**
 * Lets the program run on every CPU of its cpuset. Hull itself may be bound to some CPUs, by
 * taskset(1) or by a service's settings; the container must not inherit that. The kernel cuts the
 * mask to the cpuset, so it comes after the cgroups. Where it is forbidden, the program keeps what
 * hull had.
 */
export function resetCpuAffinity(): PlanItem[] {
  const step = new StepBuilder("scheduling");
  const cpus = allCpus();
  step.because("allow every CPU of the cpuset, not just those that hull may use")
    .call("sched_setaffinity", [0, cpus.length, cpus], { onError: "continue" });
  return step.items;
}

/**
 * Binds a further process to CPUs while it is made, before it enters its cgroups, or for good, once
 * it is in them.
 */
export function bindToCpus(
  when: "initial" | "final",
  { [when]: list = "" }: CpuAffinity,
): PlanItem[] {
  const cpus = parseCpuList(list) ?? [];
  if (cpus.length === 0) return [];
  const step = new StepBuilder("scheduling");
  const mask = cpuMask(cpus);
  const hint = "one of the CPUs must be online, and in the container's cpuset";
  step.because(`run on the CPUs ${list}`, list, `/process/execCPUAffinity/${when}`, hint)
    .call("sched_setaffinity", [0, mask.length, mask]);
  return step.items;
}

/** Whether a child does not inherit it. A process with SCHED_DEADLINE can't even fork. */
export function isLostInFork({ policy, flags = [] }: Scheduler): boolean {
  return policy === "SCHED_DEADLINE" || flags.includes("SCHED_FLAG_RESET_ON_FORK");
}

/**
 * Sets the scheduling policy. It comes after the affinity, since SCHED_DEADLINE needs all CPUs, and
 * after the cgroups, since a v1 cpu cgroup without a realtime share can't be entered by a realtime
 * process.
 *
 * @param pid of which process; 0 is the caller
 */
export function setScheduler(scheduler: Scheduler, pid = 0): PlanItem[] {
  const step = new StepBuilder("scheduling");
  const { policy, flags = [], nice = 0, priority = 0 } = scheduler;
  const { runtime = 0, deadline = 0, period = 0 } = scheduler;
  const attributes = schedulerAttributes({
    policy: SCHED_POLICY[policy] as number,
    flags: flags.reduce((bits, flag) => bits | (SCHED_FLAG[flag] as number), 0),
    nice,
    priority,
    runtime,
    deadline,
    period,
  });
  step.because(`schedule by ${policy}`, policy, "/process/scheduler", hintFor(policy))
    .call("sched_setattr", [pid, attributes, 0]);
  return step.items;
}

function hintFor(policy: string): string {
  switch (policy) {
    case "SCHED_FIFO":
    case "SCHED_RR":
      return "it needs CAP_SYS_NICE and, in a v1 cpu cgroup, a realtimeRuntime there and above";
    case "SCHED_DEADLINE":
      return "it needs CAP_SYS_NICE, all CPUs (no cpuset), and as much CPU time as is still free";
    case "SCHED_ISO":
      return "the kernel has no such policy";
    default:
      return "a nice value below hull's own needs CAP_SYS_NICE";
  }
}

/** Sets the class and level by which the disk serves the program. */
export function setIoPriority({ class: name, priority = 0 }: IoPriority): PlanItem[] {
  const step = new StepBuilder("scheduling");
  const value = (IOPRIO_CLASS[name] as number) << IOPRIO_CLASS_SHIFT | priority;
  const hint = "IOPRIO_CLASS_RT needs CAP_SYS_NICE or CAP_SYS_ADMIN on the host";
  step.because(`set the I/O priority ${name} ${priority}`, name, "/process/ioPriority", hint)
    .call("ioprio_set", [IOPRIO_WHO_PROCESS, 0, value]);
  return step.items;
}
