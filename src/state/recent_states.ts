/**
 * States that were read lately, for a program that serves many calls: to take a state's text apart
 * and check it costs more than to read it. The text itself is read each time, and tells whether the
 * state is still that.
 *
 * @module
 */

import type { RecentHost } from "../cgroups/detect.ts";
import type { Snapshot } from "./stored_state.ts";

/** How many are kept. */
const MOST = 64;

/** The states that were read last, by the path of the container's folder. */
export class RecentStates {
  readonly #states = new Map<string, Snapshot>();
  /** The cgroups of the host. */
  readonly host: RecentHost = {};

  /** What a state's text meant when it was read last; undefined if it was another then. */
  find(path: string, text: string): Snapshot | undefined {
    const known = this.#states.get(path);
    return known?.text === text ? known : undefined;
  }

  /** Keeps one, in place of the one that was kept first. */
  keep(path: string, snapshot: Snapshot): void {
    this.#states.delete(path);
    this.#states.set(path, snapshot);
    const [oldest] = this.#states.keys();
    if (this.#states.size > MOST && oldest !== undefined) this.#states.delete(oldest);
  }
}
