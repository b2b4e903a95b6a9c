/**
 * Sends a container a signal.
 *
 * @module
 */

import { SIGKILL } from "../../ffi/c/signal_numbers.ts";
import { ContainerError } from "../errors.ts";
import { signalFirst } from "../life/container_signals.ts";
import { signalBeside } from "../life/namespace_processes.ts";
import { requireSignal } from "../process/parent_process.ts";
import type { KnownContainer } from "./known_container.ts";

/** HUP, INT, QUIT, ABRT, TERM. */
const ASKS_TO_END: ReadonlySet<number> = new Set([1, 2, 3, 6, 15]);

/**
 * Sends a signal to the first process, or to all. One that asks a program to end kills a container
 * that waits for its start.
 *
 * @throws {ContainerError} `ContainerNotRunning` if it has ended, `ConfigInvalid` for an unknown
 *   signal
 */
export function sendSignal(
  known: KnownContainer,
  signal: string | number,
  options: { readonly all?: boolean },
): void {
  const number = requireSignal(signal);
  const { state, surroundings } = known;
  using lock = ASKS_TO_END.has(number) ? state.tryLock() : undefined;
  state.read();
  // If another call holds the lock, it may just let the program run, and the program could have
  // data to save. So the signal is only turned into a kill under the lock.
  const isDeaf = lock !== undefined && known.statusOf(state.known) === "created";
  const sent = isDeaf ? SIGKILL : number;
  if (options.all === true) {
    const { leader } = known;
    return leader === undefined ? surroundings.cgroups.kill(sent) : signalBeside(leader, sent);
  }
  using pidfd = known.openInit();
  if (signalFirst(known.target(pidfd), sent)) return;
  throw new ContainerError("ContainerNotRunning", `container not running: ${known.id}`);
}
