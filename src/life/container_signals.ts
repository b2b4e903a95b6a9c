/**
 * Signals to a container, and its end by force.
 *
 * @module
 */

import { comesWithin } from "../../ffi/waiting/abort.ts";
import { SIGKILL } from "../../ffi/c/signal_numbers.ts";
import type { Fd } from "../../ffi/files/file.ts";
import { signalPidfd } from "../../ffi/processes/process.ts";
import { isNew } from "../../init/steps/process/namespaces.ts";
import type { CgroupManager } from "../cgroups/manager.ts";
import { comesTrue } from "../cgroups/waiting.ts";
import type { Config } from "../config/types/config.ts";
import { ContainerError } from "../errors.ts";
import { nameProcesses } from "./late.ts";
import type { StoredState } from "../state/stored_state.ts";

/** A container as far as a signal needs it. */
export interface SignalTarget {
  readonly config: Config;
  readonly cgroups: CgroupManager;
  /** Its first process's; undefined if that has ended. */
  readonly pidfd: Fd | undefined;
  /** Whether the cgroups may hold processes of others, which are left alone; false by default. */
  readonly isGuest?: boolean | undefined;
}

/** How long killed processes are waited for (as in runc), and the pause between two looks. */
const END_MS = 10_000;
const AGAIN_MS = 100;

/**
 * Sends a signal to the first process.
 *
 * @returns whether there was any process
 */
export function signalFirst(target: SignalTarget, signal: number): boolean {
  const { pidfd } = target;
  const wasThere = pidfd !== undefined && signalPidfd(pidfd, signal);
  return signal === SIGKILL ? killRest(target) || wasThere : wasThere;
}

/**
 * Kills what a SIGKILL of the first process leaves: the processes beside it, which end with it only
 * if the container has its own pid namespace. In a freezer of cgroup v1 nothing dies while it is
 * frozen, so it is thawed.
 *
 * @returns whether it killed any
 */
function killRest({ config, cgroups, isGuest }: SignalTarget): boolean {
  const rest = isGuest === true || hasOwnPids(config) ? 0 : cgroups.processes({ all: true }).length;
  if (rest > 0) cgroups.kill(SIGKILL);
  else cgroups.letDie();
  return rest > 0;
}

/**
 * Whether a container is a guest in its cgroups: they existed before, so the processes in them need
 * not be the container's. They count as the container's only if nothing else tells its processes.
 */
export function isGuest({ config, cgroupPaths, ownCgroups, init }: StoredState): boolean {
  if (ownCgroups === undefined) return false;
  if (Object.values(cgroupPaths).every((path) => ownCgroups.includes(path))) return false;
  return init === undefined || hasOwnPids(config);
}

/** Whether all processes of the container end with the first one: pid_namespaces(7). */
export function hasOwnPids(config: Config): boolean {
  return isNew(config.linux?.namespaces ?? [], "pid");
}

/**
 * Kills every process, frozen ones too, until none is left.
 *
 * @param ended resolves at the first process's end; undefined if that has ended
 * @param timeoutMs for how long, in milliseconds
 * @throws {ContainerError} `SystemError` with what is left
 */
export async function endAll(
  target: SignalTarget,
  ended: Promise<unknown> | undefined,
  timeoutMs: number = END_MS,
): Promise<void> {
  const { cgroups, pidfd, config } = target;
  const isReached = target.isGuest !== true;
  const left = () => isReached ? cgroups.processes({ all: true }) : [];
  if (pidfd !== undefined) signalPidfd(pidfd, SIGKILL);
  else if (left().length === 0) return void await ended;
  const leavesNone = pidfd !== undefined && hasOwnPids(config);
  let hasEnded = ended === undefined;
  for (const end = performance.now() + timeoutMs;;) {
    // Without cgroups only the first process can be killed, and its pid namespace ends with it.
    if (isReached && Object.keys(cgroups.paths).length > 0) cgroups.kill(SIGKILL);
    else cgroups.letDie();
    if (ended !== undefined && !hasEnded) hasEnded = await comesWithin(ended, AGAIN_MS);
    if (hasEnded && (leavesNone || await comesTrue(() => left().length === 0, AGAIN_MS))) return;
    if (performance.now() >= end) throw await notEnding(left());
  }
}

async function notEnding(pids: readonly number[]): Promise<ContainerError> {
  const named = pids.length === 0 ? "its first process" : await nameProcesses(pids);
  return new ContainerError("SystemError", `killed, but not ended: ${named}`, {
    step: "kill",
    hint:
      "it waits in the kernel (state D), or a cgroup above its own is frozen: delete again then",
  });
}
