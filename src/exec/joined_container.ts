/**
 * The container that a further process joins: its root, and whether it still lives.
 *
 * @module
 */

import { failedWith } from "../../ffi/c/errno.ts";
import { type Fd, O_DIRECTORY, O_PATH, open } from "../../ffi/files/file.ts";
import { pause } from "../../ffi/waiting/abort.ts";
import { ContainerError } from "../errors.ts";
import { isAlive, type ProcessIdentity } from "../state/process_identity.ts";

/**
 * Opens the process's root. It is the very process's only if that still lives when everything is
 * open. A process that exits has no root any more.
 */
export function openRoot(init: ProcessIdentity): Fd {
  try {
    return open(`/proc/${init.pid}/root`, O_PATH | O_DIRECTORY);
  } catch (error) {
    requireAlive(init);
    throw failedWith(error, "ENOENT") ? ended(error) : error;
  }
}

/**
 * Checks that the process still lives. If so, everything that was opened by its pid belongs to it:
 * between opening and this check the pid could have been reused.
 */
export function requireAlive(init: ProcessIdentity): void {
  if (!isAlive(init)) throw ended(undefined);
}

/**
 * Whether the container is ending. Its first process may still be there for a moment after the
 * kernel has removed its namespaces, or while its whole cgroup is being killed.
 */
export async function isEnding(init: ProcessIdentity, error: unknown): Promise<boolean> {
  if (!(error instanceof ContainerError)) return !isAlive(init);
  if (error.step === "join" && error.errno === "ESRCH") return true;
  // A pid namespace whose first process has died takes no new process: fork(2), ENOMEM.
  const isRefused = error.step === "join" && error.errno === "ENOMEM";
  const isSilent = error.code === "InitFailed" && error.errno === undefined;
  const isToWait = isRefused || isSilent;
  for (let waited = 0; isToWait && isAlive(init) && waited < ENDING_MS; waited += STEP_MS) {
    await pause(STEP_MS);
  }
  return !isAlive(init);
}

const ENDING_MS = 200;
const STEP_MS = 10;

/** The error for a container that ends meanwhile. */
export function ended(cause: unknown): ContainerError {
  return new ContainerError("ContainerNotRunning", "the container has ended", { cause });
}
