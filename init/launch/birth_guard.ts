/**
 * The filter of a process that is born where others see it: it stands before the birth, and the right
 * that loading it takes is dropped, so that there is no moment at which who traces the process has more
 * than it will have. What follows must all be allowed by the filter then, the clone with it.
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
import type { InitSeccomp } from "../../src/config/init_config.ts";
import { type PlanItem, StepBuilder, type StepName } from "../operations/operation.ts";
import { allowsAll } from "../steps/process/seccomp.ts";

/** A birth as a child of this process's parent, in whose numbers the kernel writes down the child's. */
export interface Birth {
  readonly step: StepName;
  readonly because: string;
  /** The address of the number. */
  readonly address: bigint;
  /** Where the maker ends, and where the child begins. */
  readonly labels: { readonly end: string; readonly born: string };
}

/** A filter and what loads it. */
export interface BirthGuard {
  readonly filter: InitSeccomp;
  /** Its load, and the drop of the right for it. */
  readonly items: readonly PlanItem[];
}

/**
 * The birth and what the child does, behind the guard where it allows all of it; else the filter stays
 * where it stands in `child`.
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
    // clone3's flags are in memory, where no filter sees them, so that many deny it whole.
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
  // A program has no handlers of signals since its execve.
  const args = call === "clone3" ? [clone, CLONE_ARGS_SIZE] : [flags, 0, address, 0, 0];
  return step.because(because, undefined, "/linux/namespaces")
    .call(call, args, { onPositive: { jump: end } })
    .jump(born)
    .because("end, having joined").call("exit_group", [0], { label: end })
    .call("getpid", [], { label: born }).items;
}
