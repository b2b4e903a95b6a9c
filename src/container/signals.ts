/**
 * Sends a container a signal.
 *
 * @module
 */

import { SIGKILL } from "../../ffi/c/signal_numbers.ts";
import type { Fd } from "../../ffi/files/file.ts";
import { ContainerError } from "../errors.ts";
import { hasOwnPids, signalFirst } from "../life/container_signals.ts";
import { signalBeside } from "../life/namespace_processes.ts";
import { requireSignal } from "../process/parent_process.ts";
import type { KnownContainer } from "./known_container.ts";

/** HUP, INT, QUIT, ABRT, TERM. */
const ASKS_TO_END: ReadonlySet<number> = new Set([1, 2, 3, 6, 15]);

/** The name of the method that tells what a signal comes to; a symbol, so that only hull can call it. */
export const PLAIN_SIGNAL: unique symbol = Symbol("plain signal");

/** A signal to a container that is one call, no matter who makes it. */
export interface PlainSignal {
  /** The first process's. */
  readonly pidfd: Fd;
  readonly number: number;
}

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
  using decided = decide(known, number);
  if (options.all === true) {
    const { leader, surroundings } = known;
    return leader === undefined
      ? surroundings.cgroups.kill(decided.number)
      : signalBeside(leader, decided.number);
  }
  using pidfd = known.openInit();
  if (!signalFirst(known.target(pidfd), decided.number)) throw notRunning(known.id);
}

/**
 * What a signal to the first process comes to, if that is one call.
 *
 * @throws {ContainerError} as {@linkcode sendSignal}
 */
export function plainSignal(
  known: KnownContainer,
  signal: string | number,
): PlainSignal | undefined {
  const number = requireSignal(signal);
  using decided = decide(known, number);
  if (decided.number !== number) return undefined;
  const pidfd = known.openInit();
  if (pidfd !== undefined && (number !== SIGKILL || endsAlone(known))) return { pidfd, number };
  pidfd?.close();
  return undefined;
}

/** Whether all processes of a container end with the first one, and nothing keeps them from it. */
function endsAlone(known: KnownContainer): boolean {
  return hasOwnPids(known.state.known.config) && !known.surroundings.cgroups.mayHoldKilled();
}

/** The error of a container without a process. */
export function notRunning(id: string): ContainerError {
  return new ContainerError("ContainerNotRunning", `container not running: ${id}`);
}

/**
 * Which signal is sent, decided as long as the result is not disposed of. If another call holds the
 * lock, it may just let the program run, and the program could have data to save. So the signal is
 * only turned into a kill under the lock.
 */
function decide(known: KnownContainer, number: number): { readonly number: number } & Disposable {
  const { state } = known;
  using lock = new DisposableStack();
  const held = ASKS_TO_END.has(number) ? state.tryLock() : undefined;
  if (held !== undefined) lock.use(held);
  state.read();
  const isDeaf = held !== undefined && known.statusOf(state.known) === "created";
  const kept = lock.move();
  return { number: isDeaf ? SIGKILL : number, [Symbol.dispose]: () => kept.dispose() };
}
