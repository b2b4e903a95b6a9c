/**
 * States that were read lately, for a program that serves many calls: to take a state's text apart
 * and check it costs more than to read it. The text itself is read each time, and tells whether the
 * state is still that.
 *
 * @module
 */

import { RecentHost } from "../cgroups/detect.ts";
import type { RecentProfiles } from "../security/filters/seccomp.ts";
import { RecentPlans } from "./recent_plans.ts";
import { StateLook } from "./state_look.ts";
import type { Snapshot } from "./stored_state.ts";

/** How many are kept. */
const MOST = 64;

/** The states that were read last, by the path of the container's folder. */
export class RecentStates implements Disposable {
  readonly #states = new Map<string, Snapshot>();
  /** Reads their texts. */
  readonly look = new StateLook();
  /** The cgroups of the host. */
  readonly host = new RecentHost();
  /** The filters that were used last. */
  readonly filters: RecentProfiles = new Map();
  /** What was done in containers. */
  readonly plans = new RecentPlans(true);

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

  /** Closes what is held open. */
  [Symbol.dispose](): void {
    this.host[Symbol.dispose]();
    this.plans[Symbol.dispose]();
  }
}
