/**
 * The filter of a process that is born where other processes see it. The filter is loaded before
 * the birth, and the right that loading takes is dropped. So a process that traces the new one
 * never has more rights than the new one will have. All calls that follow, the clone among them,
 * must then be allowed by the filter.
 *
 * @module
 */

import {
  CLONE_ARGS_SIZE,
  CLONE_CLEAR_SIGHAND,
  CLONE_PARENT,
  CLONE_PARENT_SETTID,
  cloneArguments,
} from "../../ffi/processes/namespaces.ts";
import type { LoadableFilter } from "../../src/security/filters/seccomp.ts";
import { type PlanItem, StepBuilder, type StepName } from "../operations/operation.ts";
import { allowsAll } from "../steps/process/seccomp.ts";

/**
 * A birth as a child of this process's parent. The kernel writes the child's number, as the parent
 * sees it, to an address.
 */
export interface Birth {
  readonly step: StepName;
  readonly because: string;
  /** The address of the number. */
  readonly address: bigint;
  /** The labels at which the process that clones ends, and at which the child begins. */
  readonly labels: { readonly end: string; readonly born: string };
}

/** A filter and what loads it. */
export interface BirthGuard {
  readonly filter: LoadableFilter;
  /** The operations that load it and drop the right for that. */
  readonly items: readonly PlanItem[];
}

/**
 * The birth and what the child does. They stand behind the guard if the filter allows all of it;
 * otherwise the filter stays at its place in `child`.
 *
 * @param child what the child does up to execve
 */
export function bornBehind(
  guard: BirthGuard | undefined,
  birth: Birth,
  child: readonly PlanItem[],
): readonly PlanItem[] {
  if (guard !== undefined) {
    const [load, ...drop] = guard.items;
    const bare = child.filter(({ step }) => step !== "seccomp");
    // A filter can't see clone3's flags, which are in memory, so many filters deny the whole call.
    for (const call of ["clone3", "clone"] as const) {
      const behind = [...drop, ...beBorn(birth, call), ...bare];
      if (load !== undefined && allowsAll(guard.filter, behind)) return [load, ...behind];
    }
  }
  return [...beBorn(birth, "clone3"), ...child];
}

function beBorn(
  { step: name, because, address, labels: { end, born } }: Birth,
  call: "clone3" | "clone",
): readonly PlanItem[] {
  const step = new StepBuilder(name);
  const flags = CLONE_PARENT | CLONE_PARENT_SETTID;
  const clone = cloneArguments(BigInt(flags) | CLONE_CLEAR_SIGHAND, {
    exitSignal: 0,
    pid: address,
  });
  // After execve a program has no signal handlers, so none have to be cleared.
  const args = call === "clone3" ? [clone, CLONE_ARGS_SIZE] : [flags, 0, address, 0, 0];
  return step.because(because, undefined, "/linux/namespaces")
    .call(call, args, { onPositive: { jump: end } })
    .jump(born)
    .because("end, having joined").call("exit_group", [0], { label: end })
    .land(born).items;
}
