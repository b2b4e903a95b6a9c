/**
 * Sends a container a signal.
 *
 * @module
 */

import { SIGKILL } from "../../ffi/c/signal_numbers.ts";
import type { Fd } from "../../ffi/files/file.ts";
import { hasOwnPids, signalFirst } from "../life/container_signals.ts";
import { signalBeside } from "../life/namespace_processes.ts";
import { requireSignal } from "../process/parent_process.ts";
import { notRunning } from "../state/status_rules.ts";
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
  using lock = lockFor(known, number);
  const sent = decide(known, number, lock);
  if (options.all === true) {
    const { leader, surroundings } = known;
    return leader === undefined ? surroundings.cgroups.kill(sent) : signalBeside(leader, sent);
  }
  using pidfd = known.openInit();
  if (!signalFirst(known.target(pidfd), sent)) throw notRunning({ id: known.id });
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
  using lock = lockFor(known, number);
  if (decide(known, number, lock) !== number) return undefined;
  const pidfd = known.openInit();
  if (pidfd !== undefined && (number !== SIGKILL || endsAlone(known))) return { pidfd, number };
  pidfd?.close();
  return undefined;
}

/** Whether all processes of a container end with the first one, and nothing keeps them from it. */
function endsAlone(known: KnownContainer): boolean {
  return hasOwnPids(known.state.known.config) && !known.surroundings.cgroups.mayHoldKilled();
}

/**
 * If another call holds the lock, it may just let the program run, and the program could have data to
 * save. So a signal is only turned into a kill under the lock.
 */
function lockFor({ state }: KnownContainer, number: number): Fd | undefined {
  return ASKS_TO_END.has(number) ? state.tryLock() : undefined;
}

/** Which signal is sent, as long as the lock is held. */
function decide(known: KnownContainer, number: number, lock: Fd | undefined): number {
  known.state.read();
  const isDeaf = lock !== undefined && known.statusOf(known.state.known) === "created";
  return isDeaf ? SIGKILL : number;
}
