/**
 * Signals for commands that may not have begun yet: what an AbortController is for waits.
 *
 * @module
 */

import { signalNumber } from "../../../ffi/processes/signals.ts";
import type { Signal } from "./child_process.ts";

/** Called with each signal that is sent. */
export type KillSignalListener = (signal: Signal) => void;

/** Signals that ask a program to end, or end it. */
const ENDING: ReadonlySet<Signal> = new Set([
  "SIGTERM",
  "SIGKILL",
  "SIGABRT",
  "SIGQUIT",
  "SIGINT",
  "SIGSTOP",
]);

/** Sends signals to the commands that were given its `signal`. */
export class KillController {
  /** What commands are given. */
  readonly signal: KillSignal = new KillSignal();

  /** Sends a signal, SIGTERM by default, to the commands that run. */
  kill(signal: Signal = "SIGTERM"): void {
    this.signal[SEND](signal);
  }
}

const SEND = Symbol("send");

/** Tells commands of the signals of a {@linkcode KillController}. */
export class KillSignal {
  readonly #listeners = new Set<KillSignalListener>();
  #endedBy: Signal | undefined;

  /** Whether a signal was sent that asks a program to end; no command begins any more then. */
  get aborted(): boolean {
    return this.#endedBy !== undefined;
  }

  /** 128 and the number of the first such signal. */
  get abortedExitCode(): number | undefined {
    return this.#endedBy === undefined ? undefined : 128 + (signalNumber(this.#endedBy) ?? 0);
  }

  /** Passes what it is sent on to another; `unsubscribe` ends that. */
  linkChild(child: KillSignal): { unsubscribe(): void } {
    const listener: KillSignalListener = (signal) => child[SEND](signal);
    this.addListener(listener);
    return { unsubscribe: () => this.removeListener(listener) };
  }

  /** Has a listener called at each signal. */
  addListener(listener: KillSignalListener): void {
    this.#listeners.add(listener);
  }

  /** Ends that. */
  removeListener(listener: KillSignalListener): void {
    this.#listeners.delete(listener);
  }

  /** @ignore for a KillController */
  [SEND](signal: Signal): void {
    if (ENDING.has(signal)) this.#endedBy ??= signal;
    for (const listener of [...this.#listeners]) listener(signal);
  }
}
