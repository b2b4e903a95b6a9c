/**
 * Ends a container, and removes all that belongs to it.
 *
 * @module
 */

import type { AbortOptions } from "../../ffi/waiting/abort.ts";
import { SIGKILL } from "../../ffi/c/signal_numbers.ts";
import type { Fd } from "../../ffi/files/file.ts";
import { signalPidfd } from "../../ffi/processes/process.ts";
import { keeperOf } from "../cgroups/choice/make_manager.ts";
import type { CgroupManager } from "../cgroups/manager.ts";
import { hasOwnPids } from "../life/container_signals.ts";
import { leaveClass } from "../resctrl/container_resctrl.ts";
import { isGone } from "../state/container_folder.ts";
import { isAlive, openIdentified } from "../state/process_identity.ts";
import { requireEnded } from "../state/status_rules.ts";
import { giveLeaseBack, loadUserNetwork, removeNetwork, runPoststopHooks } from "./late.ts";
import type { Call, KnownContainer } from "./known_container.ts";

/** How long a forced end waits for the lock before it kills the first process. */
const PATIENCE_MS = 2000;

/** How a container is removed. */
export interface DestroyOptions extends AbortOptions {
  /** Kills a running container; without it that is the error `ContainerNotStopped`. */
  readonly force?: boolean | undefined;
}

/** One call that ends a container. */
export class Ending {
  readonly #known: KnownContainer;
  readonly #call: Call;
  #hasNoCgroups = false;

  /** Does nothing yet. */
  constructor(known: KnownContainer, call: Call) {
    this.#known = known;
    this.#call = call;
    call.surroundings.lane?.watch(this, "ending");
  }

  /** Takes the lock, and destroys the container. A running one is only destroyed by force. */
  async run(force: boolean): Promise<void> {
    const known = this.#known;
    const { signal } = this.#call;
    try {
      using _lock = await (force ? this.#lockByForce() : known.state.lock(signal));
      if (!force) requireEnded(known.now);
      await this.destroy();
    } catch (error) {
      if (isGone(error)) await known.reapRemoved();
      throw error;
    }
  }

  /**
   * Takes the lock, and destroys the container if it has no first process and never gets one.
   *
   * @returns whether that was so
   */
  async runIfAbandoned(): Promise<boolean> {
    const { state } = this.#known;
    using _lock = await state.lock(this.#call.signal);
    if (!state.isAbandoned()) return false;
    await this.destroy();
    return true;
  }

  /** Removes it; the call's signal ends the poststop hooks. The caller holds the lock. */
  async destroy(): Promise<void> {
    await this.#removeAll();
    await this.#runHooks(this.#call.signal);
  }

  /** The same, without regard to the call's signal. */
  async takeAway(): Promise<void> {
    await this.#removeAll();
    await this.#runHooks();
  }

  /** Undoes all that was made. */
  async #removeAll(): Promise<void> {
    const { known } = this.#known.state;
    const { cgroups } = this.#known.surroundings;
    // If no start was begun, or its end was seen, a process in a cgroup of its name is not the
    // container's.
    const wasBegun = known.init !== undefined || !isAlive(known.creator);
    if (wasBegun) await this.endProcesses();
    if (wasBegun || cgroups.processes({ all: true }).length === 0) await this.removeCgroups();
    await leaveClass(known.resctrl);
    await this.removeNetwork();
    await this.removeState();
    this.#known.init?.[Symbol.dispose]();
  }

  /**
   * Kills what is left of its processes. If they all ended with the first one, its cgroups can be
   * removed at once, and nothing has to be looked for in them.
   */
  async endProcesses(): Promise<void> {
    const { init, state } = this.#known;
    const { config, ownCgroups } = state.known;
    const haveEnded = init?.hasEnded === true && hasOwnPids(config);
    const { poller } = this.#known.surroundings;
    this.#hasNoCgroups = haveEnded &&
      await (await this.#keeper()).removeIfEmpty(poller, ownCgroups);
    if (!this.#hasNoCgroups) await this.#known.kill();
  }

  /** Removes the cgroups that are its own. */
  async removeCgroups(): Promise<void> {
    const { ownCgroups } = this.#known.state.known;
    if (!this.#hasNoCgroups) await (await this.#keeper()).destroy(ownCgroups);
  }

  #keeper(): Promise<CgroupManager> {
    const { cgroups, host } = this.#known.surroundings;
    return keeperOf(cgroups, host);
  }

  /**
   * Removes the network. The kernel would do so too, but later, and not in a namespace that lives
   * on.
   */
  async removeNetwork(): Promise<void> {
    const { network, init, config, hasLease, userNetwork } = this.#known.state.known;
    if (userNetwork !== undefined) {
      (await loadUserNetwork()).stopUserNetwork(userNetwork, this.#known.folder);
    }
    if (network === undefined) return;
    const joined = config.linux?.namespaces?.find(({ type }) => type === "network")?.path ||
      undefined;
    await removeNetwork({ network, joined, isNamed: init !== undefined });
    if (hasLease === true) await giveLeaseBack(this.#known.surroundings.store, network.owner);
  }

  /** Removes its folder, and it is gone. */
  async removeState(): Promise<void> {
    const { store, poller } = this.#known.surroundings;
    await store.remove(this.#known.id, poller);
  }

  async #runHooks(signal?: AbortSignal): Promise<void> {
    const { known } = this.#known.state;
    const { poller, bearer, onWarning } = this.#known.surroundings;
    if ((known.config.hooks?.poststop ?? []).length === 0) return;
    const runner = { poller: poller.until(signal), bearer };
    for (const failure of await runPoststopHooks(known, runner)) {
      const { summary, hint, pointer = "" } = failure;
      onWarning?.({ pointer, message: `${summary}; ${hint}` });
    }
  }

  /**
   * The lock for a container that is to be ended in any case. A call that holds it for long may
   * wait for the first process, as a start does for a process that was stopped. So after a while
   * the first process is killed, which ends that call.
   */
  async #lockByForce(): Promise<Fd> {
    const { state } = this.#known;
    const { signal } = this.#call;
    signal?.throwIfAborted();
    // Mostly nobody holds it; then no timer is needed, for which the engine would load much.
    const free = state.tryLock();
    if (free !== undefined) return free;
    const timer = setTimeout(() => {
      const { init } = state.last();
      using pidfd = init === undefined ? undefined : openIdentified(init);
      if (pidfd !== undefined) signalPidfd(pidfd, SIGKILL);
    }, PATIENCE_MS);
    try {
      return await state.lock(signal);
    } finally {
      clearTimeout(timer);
    }
  }
}
