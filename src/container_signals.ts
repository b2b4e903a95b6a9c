/**
 * Signals to a container, and its end by force.
 *
 * @module
 */

import type { Fd } from "../ffi/file.ts";
import { signalPidfd } from "../ffi/process.ts";
import { isNew } from "../init/steps/namespaces.ts";
import type { CgroupManager } from "./cgroups/manager.ts";
import type { Config } from "./config/types.ts";

/** A container as far as a signal needs it. */
export interface SignalTarget {
  readonly config: Config;
  readonly cgroups: CgroupManager;
  /** Its first process's; undefined if that has ended. */
  readonly pidfd: Fd | undefined;
}

const SIGKILL = 9;

/**
 * Sends a signal to the first process.
 *
 * @returns whether there was anybody
 */
export function signalFirst(target: SignalTarget, signal: number): boolean {
  const { pidfd } = target;
  const wasThere = pidfd !== undefined && signalPidfd(pidfd, signal);
  return signal === SIGKILL ? killRest(target) || wasThere : wasThere;
}

/**
 * What a SIGKILL of the first process leaves: those beside it, which end with it only if the pid
 * namespace is the container's own, and a freezer of cgroup v1 in which nothing dies.
 *
 * @returns whether it killed any
 */
function killRest({ config, cgroups }: SignalTarget): boolean {
  if (Object.keys(cgroups.paths).length === 0) return false;
  const isShared = !isNew(config.linux?.namespaces ?? [], "pid");
  const rest = isShared ? cgroups.processes({ all: true }).length : 0;
  if (rest > 0 || cgroups.freezerState() === "frozen") cgroups.kill(SIGKILL);
  return rest > 0;
}

/** Kills every process, frozen ones too. */
export async function killAll({ cgroups, pidfd }: SignalTarget): Promise<void> {
  if (pidfd !== undefined) signalPidfd(pidfd, SIGKILL);
  else if (cgroups.processes({ all: true }).length === 0) return;
  if (cgroups.freezerState() === "frozen") await cgroups.thaw();
  // Without cgroups the pid namespace's end, which comes with its first process, has to do.
  if (Object.keys(cgroups.paths).length > 0) cgroups.kill(SIGKILL);
}
