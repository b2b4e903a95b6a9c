/**
 * The direct start: a plan that needs no TypeScript inside is laid out as a program of its own
 * (ffi/program/program_image.ts), and the child becomes that in place of the re-executed init. The
 * steps are the same; only who walks them differs.
 *
 * The child shares this program's memory until then, so a start takes the same time in a small and
 * a large program. The process that waits for the start has a few pages of memory, none of them
 * this program's, and its binary is no file of the host (CVE-2019-5736).
 *
 * @module
 */

import { failedWith } from "../../ffi/c/errno.ts";
import type { Fd } from "../../ffi/files/file.ts";
import { moveAbove } from "../../ffi/files/descriptor.ts";
import { executableFile, programImage } from "../../ffi/program/program_image.ts";
import { reportTail } from "../../init/words/channel.ts";
import type { PlanItem, PlannedOperation } from "../../init/operations/operation.ts";
import { StepBuilder } from "../../init/operations/operation.ts";
import { RELEASED } from "../../init/steps/process/final.ts";
import { workOf } from "../../init/work/parents_work.ts";
import { isNew, joinsInhabited } from "../../init/steps/process/namespaces.ts";
import type { InitFds } from "../../init/operations/init_config.ts";
import type { Config, Linux } from "../config/types/config.ts";
import { ContainerError } from "../errors.ts";
import type { InitStatus } from "../process/init_status.ts";
import type { InitKind, StartWay } from "../../init/start_way.ts";

/**
 * The way of a start, if it is known before there is a plan; undefined if the plan decides.
 *
 * @throws {ContainerError} `Unsupported` if it can't go the way that is asked for
 */
export function knownWay(asked: InitKind, { namespaces = [] }: Linux): StartWay | undefined {
  if (asked === "reexec") return { kind: "reexec", because: "it is asked for" };
  if (!joinsInhabited(namespaces)) return undefined;
  return otherwise(asked, "join a pid or user namespace", "/linux/namespaces");
}

/**
 * The way that a plan takes. Work between its operations needs TypeScript, in this program or in
 * init.
 *
 * @param fds the numbers by which the child can show its parent the fds of the work, if it can
 * @throws {ContainerError} `Unsupported` if it can't go the way that is asked for
 */
export function chooseWay(asked: InitKind, plan: readonly PlanItem[], fds: InitFds): StartWay {
  const alone = fds.work === undefined;
  // If nobody can make a place, it must be there.
  const work = workOf(plan).find((item) => alone && (item.work !== "place" || asked !== "direct"));
  return work === undefined ? { kind: "direct" } : otherwise(asked, work.reason, work.pointer);
}

/**
 * The way if the host forbids executables in memory.
 *
 * @throws {ContainerError} `Unsupported` if a direct start is asked for
 */
export function withoutMemoryFiles(asked: InitKind): StartWay {
  return otherwise(asked, "execute a file in memory: sysctl vm.memfd_noexec forbids it");
}

function otherwise(asked: InitKind, verb: string, pointer?: string): StartWay {
  if (asked !== "direct") return { kind: "reexec", because: `a direct start can't ${verb}` };
  throw new ContainerError("Unsupported", `a direct start can't ${verb}`, {
    pointer,
    hint: "let hull choose, or ask for a re-executed init",
  });
}

/** The program of a direct start. */
export interface DirectProgram {
  /** Holds the executable; its number is above those that the child gets. */
  readonly file: Fd;
  readonly args: readonly string[];
}

/**
 * What the parent does for a child before its plan goes on; undefined if nothing.
 *
 * @param hasInterfaces whether interfaces or routes are made for it
 */
export function attendedWork(
  { linux: { namespaces = [], netDevices = {} } = {} }: Config,
  hasInterfaces: boolean,
): string | undefined {
  if (isNew(namespaces, "user")) return "the id maps";
  if (hasInterfaces) return "the interfaces";
  return Object.keys(netDevices).length > 0 ? "the network devices" : undefined;
}

/** The operations before the plan: a wait for the parent's work, if there is some. */
export function waitForParentsWork(fds: InitFds, what: string | undefined): PlanItem[] {
  if (what === undefined) return [];
  const step = new StepBuilder("clone");
  step.because(`wait for ${what}; end if the parent is gone`)
    .awaitByte(fds.control, "attended")
    .land("attended");
  return step.items;
}

/** The arguments by which a waiting container is found in process lists. */
export function directArguments(id: string): readonly string[] {
  return ["hull-init", id];
}

/**
 * Lays out the program.
 *
 * @param plan without work: see `delegateWork`
 * @param said who reads its report
 * @param above its fd gets a number not below this one
 * @returns undefined where the host forbids executables in memory (sysctl vm.memfd_noexec)
 */
export function layOutDirect(
  id: string,
  plan: readonly PlanItem[],
  fds: InitFds,
  said: InitStatus,
  above: number,
): DirectProgram | undefined {
  const operations = plan as PlannedOperation[];
  // Another program may start the container later, and that program does not know the plan. So only
  // operations before the wait are left out of the report.
  const count = Math.max(0, operations.findIndex(({ label }) => label === RELEASED));
  const tail = reportTail(fds.status, operations, said.know(operations, count));
  const image = programImage(operations, tail);
  try {
    const file = moveAbove(executableFile("hull-init", image), above);
    return { file, args: directArguments(id) };
  } catch (error) {
    if (failedWith(error, "EACCES")) return undefined;
    throw error;
  }
}
