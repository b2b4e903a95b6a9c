/**
 * What this program knows of a container; the base of all that can be done with it.
 *
 * @module
 */

import type { Fd } from "../../ffi/files/file.ts";
import { endAll, hasOwnPids, isGuest, type SignalTarget } from "../life/container_signals.ts";
import { processesBeside } from "../life/namespace_processes.ts";
import { isWaiting } from "../process/init_status.ts";
import type { InitProcess } from "../start/init_process.ts";
import { CurrentState } from "../state/current_state.ts";
import type { Status } from "../state/oci_state.ts";
import { isAlive, openIdentified } from "../state/process_identity.ts";
import type { Snapshot, StoredState } from "../state/stored_state.ts";
import type { ContainerSurroundings } from "../state/surroundings.ts";

/**
 * One call: its surroundings are cut short by its signal, and have a lane of a trace, if there is
 * one.
 */
export interface Call extends Disposable {
  readonly signal: AbortSignal | undefined;
  readonly surroundings: ContainerSurroundings;
}

/** A container as it is known. */
export class KnownContainer {
  readonly surroundings: ContainerSurroundings;
  readonly state: CurrentState;
  /** Its first process, if this program started it. */
  init: InitProcess | undefined;

  /** Begins with the state that was read or written last. */
  constructor(snapshot: Snapshot, surroundings: ContainerSurroundings) {
    this.state = new CurrentState(surroundings.store, snapshot);
    this.surroundings = surroundings;
  }

  /** Its id. */
  get id(): string {
    return this.state.known.id;
  }

  /**
   * Its first process, if that tells all the others: they are in a pid namespace of its own, and in
   * no cgroup.
   */
  get leader(): number | undefined {
    const { init, config, cgroupPaths: paths } = this.state.known;
    if (init === undefined || !isAlive(init) || !hasOwnPids(config)) return undefined;
    return Object.keys(paths).length === 0 ? init.pid : undefined;
  }

  /** The numbers of all its processes that are known. */
  processes(): number[] {
    const { leader } = this;
    return leader === undefined
      ? this.surroundings.cgroups.processes({ all: true })
      : processesBeside(leader);
  }

  /** Its state folder. */
  get folder(): string {
    return this.surroundings.store.folder(this.id);
  }

  /** Its status by what is known. It is only sure while the lock is held. */
  get now(): { readonly id: string; readonly status: Status } {
    return { id: this.id, status: this.statusOf(this.state.known) };
  }

  /** Begins a call. */
  begin(signal?: AbortSignal): Call {
    const { surroundings } = this;
    const taken = surroundings.trace?.take();
    const poller = signal === undefined ? surroundings.poller : surroundings.poller.until(signal);
    return {
      signal,
      surroundings: { ...surroundings, poller, lane: taken?.lane },
      [Symbol.dispose]: () => taken?.[Symbol.dispose](),
    };
  }

  /**
   * The status of a container with that state.
   *
   * @param lives whether its first process is known to live; without one that is found out
   */
  statusOf(state: StoredState, lives?: boolean): Status {
    const { init } = state;
    if (init === undefined) {
      return this.surroundings.store.isAbandoned(state) ? "stopped" : "creating";
    }
    if (!(lives ?? isAlive(init))) return "stopped";
    if (this.surroundings.cgroups.freezerState() === "frozen") return "paused";
    return isWaiting(this.folder) ? "created" : "running";
  }

  /** Opens its first process; undefined if it has ended. */
  openInit(): Fd | undefined {
    const { init } = this.state.known;
    return init === undefined ? undefined : openIdentified(init);
  }

  /** The container as the target of a signal. */
  target(pidfd: Fd | undefined): SignalTarget {
    const { known } = this.state;
    const { cgroups } = this.surroundings;
    return { config: known.config, cgroups, pidfd, isGuest: isGuest(known) };
  }

  /** Ends every process, and waits for the first one's end. */
  async kill(): Promise<void> {
    const { poller } = this.surroundings;
    using pidfd = this.openInit();
    const ended = this.init?.ended() ?? (pidfd === undefined ? undefined : poller.wait(pidfd));
    try {
      await endAll(this.target(pidfd), ended);
    } finally {
      if (pidfd !== undefined) poller.cancel(pidfd);
    }
  }

  /**
   * For a container that another program has removed: reaps the first process, if it was a child of
   * this program.
   */
  async reapRemoved(): Promise<void> {
    if (this.init === undefined) return;
    using pidfd = this.openInit();
    if (pidfd === undefined) await this.init.ended();
    this.init[Symbol.dispose]();
  }
}
