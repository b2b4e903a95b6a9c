/**
 * What ends a program with a daemon's pipes early, and the reason that is given for it.
 *
 * @module
 */

import { unlessAborted } from "../../ffi/waiting/abort.ts";
import type { Flows, Wiring } from "./wiring.ts";
import type { Process } from "../process.ts";

/** What ends a program early: the caller's signal, or a pipe that fails. */
export class Cut {
  readonly signal: AbortSignal;
  readonly #failure = new AbortController();

  /** Nothing has cut it short yet. */
  constructor(signal: AbortSignal | undefined) {
    const failed = this.#failure.signal;
    this.signal = signal === undefined ? failed : AbortSignal.any([signal, failed]);
  }

  /** Runs code of the daemon's. If the program is cut short, that code is not waited for. */
  unless(act: () => void | Promise<void>): Promise<void> {
    return unlessAborted(Promise.try(act), this.signal);
  }

  /** Lets the pipes flow. */
  begin(wiring: Wiring, process: Process): Flows {
    return wiring.begin(process, this.signal, (error) => this.#failure.abort(error));
  }
}

/** Does something with pipes; if it fails, the other ends of the pipes are told. */
export async function abandoning<Result>(
  wiring: Wiring,
  act: () => Promise<Result>,
): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    await wiring.abandon(error);
    throw error;
  }
}
