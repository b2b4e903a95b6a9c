/**
 * What two programs have in common: init/launch/launch.ts and init/launch/launch_usher.ts, which
 * both make a container's process in namespaces that exist already.
 *
 * @module
 */

import { SIGKILL } from "../../ffi/c/signal_numbers.ts";
import { PR } from "../../ffi/processes/credentials.ts";
import { NAMESPACE_FLAGS } from "../../ffi/processes/namespaces.ts";
import type { InitCgroups } from "../operations/init_config.ts";
import type { Namespace, TimeOffsets } from "../../src/config/types/config.ts";
import { ContainerError } from "../../src/errors.ts";
import { openAlone } from "../work/parents_work.ts";
import { type PlanItem, type PlannedOperation, StepBuilder } from "../operations/operation.ts";
import { enterCgroups } from "../steps/process/limits.ts";
import { isNew, newNamespaceFlags } from "../steps/process/namespaces.ts";
import { enterTimeNamespace } from "../steps/process/time.ts";

/** What a launcher's plan needs to know beside the container's. */
export interface LaunchOptions {
  readonly namespaces: readonly Namespace[];
  readonly cgroups: InitCgroups;
  /** See `joinNamespaces`. */
  readonly userFirst?: boolean | undefined;
  /** The pipe on which the parent says that a new user namespace has its id maps. */
  readonly control: number;
  /** A procfs's root, for a new time namespace. */
  readonly proc: number;
  /** The offsets to set in that namespace. */
  readonly timeOffsets?: TimeOffsets | undefined;
  /** The pipe on which the launcher says that it has told the parent. */
  readonly told: { readonly reader: number; readonly writer: number };
}

/** Those who live in the namespaces that are joined may have all capabilities there. */
export function hideMemory(
  why = "let nobody who lives there look into this process's memory",
): PlanItem[] {
  const step = new StepBuilder("clone");
  return step.because(why)
    .call("prctl", [PR.SET_DUMPABLE, 0, 0, 0, 0]).items;
}

/** The namespaces that are new with the process. */
export function bornNamespaces(namespaces: readonly Namespace[]): number {
  // The cgroup namespace is made last: its root is where its maker is.
  return newNamespaceFlags(namespaces) & ~(NAMESPACE_FLAGS.cgroup | NAMESPACE_FLAGS.time);
}

/**
 * What stands before the container's plan, once the new namespaces are there.
 *
 * @param keepsTold whether the reader of `told` stays open: it hears of the launcher's end
 */
export function settle(
  { namespaces, cgroups, control, proc, timeOffsets = {}, told }: LaunchOptions,
  keepsTold = false,
): PlanItem[] {
  const step = new StepBuilder("clone");
  step.because("die with the parent while the container is not ready")
    .call("prctl", [PR.SET_PDEATHSIG, SIGKILL, 0, 0, 0])
    .call("setsid", []);
  step.because("wait until the parent knows of this process; end if the launcher is gone")
    .call("close", [told.writer])
    .awaitByte(told.reader, "told");
  if (keepsTold) step.land("told");
  else step.call("close", [told.reader], { label: "told" });
  if (isNew(namespaces, "user")) {
    step.because("wait for the id maps; end if the parent is gone", undefined, "/linux/uidMappings")
      .awaitByte(control, "mapped")
      .call("prctl", [PR.SET_PDEATHSIG, SIGKILL, 0, 0, 0], { label: "mapped" });
  }
  return [
    ...step.items,
    ...(isNew(namespaces, "time") ? enterTimeNamespace({ proc, offsets: timeOffsets }) : []),
    ...makeCgroupNamespace(namespaces, cgroups),
  ];
}

/** A cgroup namespace belongs to the user namespace that its maker is in. */
function makeCgroupNamespace(
  namespaces: readonly Namespace[],
  cgroups: InitCgroups,
): readonly PlanItem[] {
  if (!isNew(namespaces, "cgroup")) return [];
  const step = new StepBuilder("cgroups");
  step.because("make the cgroup namespace", undefined, "/linux/namespaces")
    .call("unshare", [NAMESPACE_FLAGS.cgroup]);
  return [...enterCgroups(cgroups), ...step.items];
}

/**
 * The plan as operations only; work between them is refused.
 *
 * @throws {ContainerError} `Unsupported` if there is some
 */
export function refuseWork(plan: readonly PlanItem[]): PlannedOperation[] {
  return plan.map((item) => {
    if (!("work" in item)) return item;
    // Nobody can make a place here, so it must be there.
    if (item.work === "place") return openAlone(item);
    throw new ContainerError("Unsupported", `can't ${item.reason} in namespaces that are joined`, {
      step: item.step,
      path: item.path,
      pointer: item.pointer,
      hint: "leave out tmpcopyup, or the path of the user or pid namespace",
    });
  });
}
