/**
 * How containerd is told that something is not possible.
 *
 * @module
 */

import { ContainerError } from "../../errors.ts";
import { StatusError } from "../../ttrpc/messages.ts";

/** Whether an error only says that there is nothing left. */
export function hasEnded(error: unknown): boolean {
  return error instanceof ContainerError &&
    (error.code === "ContainerNotRunning" || error.code === "ContainerNotExists");
}

/** For a process that has ended; containerd's clients look for these words. */
export function finished(): StatusError {
  return new StatusError("NotFound", "process already finished");
}

/** For a process that can't be taken away yet. */
export function running(): StatusError {
  return new StatusError("FailedPrecondition", "cannot delete a running process");
}

/**
 * Nobody knows whether it was done, and to do it twice would be worse than not at all.
 *
 * @param what such as `started the process`
 */
export function perhapsDone(what: string): StatusError {
  return new StatusError("Unavailable", `the shim was ended while it ${what}`);
}

/** For what only CRIU could do. */
export function noCheckpoints(): StatusError {
  return new StatusError("Unimplemented", "checkpoints are not supported");
}
