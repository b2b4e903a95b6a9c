/**
 * Starts the processes of a container: its first one and those that join it. Also releases the
 * first one, so that its program runs.
 *
 * @module
 */

import type { Fd } from "../../ffi/files/file.ts";
import { ContainerError } from "../errors.ts";
import type { StartedExec } from "../exec/exec.ts";
import { finish, undone } from "../failures/undo.ts";
import { lockJoins } from "../life/join_lock.ts";
import { isWaiting } from "../process/init_status.ts";
import { lacksMemory, outOfMemory } from "../process/oom_kill.ts";
import { CLAIM } from "../process/process_claim.ts";
import type { Process } from "../process.ts";
import type { StartedFirst } from "../start/first_process.ts";
import { isFollowed, Release } from "./release.ts";
import type { StartOptions } from "../wishes/start_options.ts";
import { isGone } from "../state/container_folder.ts";
import { notRunning, requireCreated, requireJoinable } from "../state/status_rules.ts";
import type { StoredState } from "../state/stored_state.ts";
import { Ending } from "./ending.ts";
import { loadExec, startInit } from "./late.ts";
import type { Call, KnownContainer } from "./known_container.ts";

/** A start, and the state before it. */
interface Started extends StartedFirst {
  readonly before: StoredState;
}

/** One call that starts something. */
export class Starting {
  readonly #known: KnownContainer;
  readonly #call: Call;

  /** Does nothing yet. */
  constructor(known: KnownContainer, call: Call) {
    this.#known = known;
    this.#call = call;
    call.surroundings.lane?.watch(this, "starting");
  }

  /**
   * Starts the container's first process, up to its wait for the start; if there is one already, a
   * further process.
   */
  async start(process: Process, options: StartOptions): Promise<void> {
    {
      using lock = await this.#lockForFirst();
      if (lock !== undefined) {
        await this.startFirst(process, options);
        return;
      }
    }
    await this.#join(process);
  }

  /** The same, but the first process does not wait: its program runs at once. */
  async run(process: Process, options: StartOptions): Promise<void> {
    let first: Started | undefined;
    {
      using lock = await this.#lockForFirst();
      if (lock !== undefined) {
        first = await this.startFirst(process, options);
        await this.#releaseOrUndo(first);
      }
    }
    if (first === undefined) await this.#join(process);
    else if (isFollowed(first.before)) await this.#follow(first);
  }

  /** Lets the waiting first process run its program. */
  async release(): Promise<void> {
    const { signal } = this.#call;
    const known = this.#known;
    {
      using _lock = await known.state.lock(signal);
      requireCreated(known.now);
      try {
        await this.releaseFirst();
      } catch (error) {
        if (isGivenAlready(error) && known.now.status === "running") requireCreated(known.now);
        if (signal?.aborted !== true || isWaiting(known.folder)) throw error;
        throw await undone(error, () => known.kill());
      }
    }
    if (isFollowed(known.state.known)) await this.#follow();
  }

  /**
   * The container's lock; undefined if the container has a first process. That is checked again
   * under the lock, since another call may have started one before this call got it.
   */
  async #lockForFirst(): Promise<Fd | undefined> {
    const { signal } = this.#call;
    const { state } = this.#known;
    signal?.throwIfAborted();
    if (state.known.init !== undefined) return undefined;
    const lock = await state.lock(signal);
    if (state.known.init === undefined) return lock;
    lock.close();
    return undefined;
  }

  /** Starts the first process; the caller holds the lock. */
  async startFirst(process: Process, options: StartOptions): Promise<Started> {
    using claim = process[CLAIM]();
    const known = this.#known;
    const before = known.state.known;
    const started = await startInit(before, process.options, this.#call.surroundings, options);
    const { init, snapshot } = started;
    known.state.keep(snapshot);
    init.goOn();
    known.init = init;
    claim.attach(init, init.streams);
    return { ...started, before };
  }

  /** Lets its program run. If a hook fails, the container is removed: runtime.md, "Lifecycle". */
  async releaseFirst(): Promise<void> {
    const known = this.#known;
    try {
      await new Release(known.state.known, this.#call.surroundings).run(known.init?.trace);
    } catch (error) {
      if (isHookFailure(error)) {
        throw await undone(error, () => new Ending(known, this.#call).takeAway());
      }
      // a first process that had got ready may have had no memory to wait with
      const { cgroups } = this.#call.surroundings;
      throw isInitGone(error) && lacksMemory(cgroups) ? outOfMemory("init") : error;
    }
  }

  async #releaseOrUndo(first: Started): Promise<void> {
    const { signal } = this.#call;
    try {
      await this.releaseFirst();
      signal?.throwIfAborted();
    } catch (error) {
      if (signal?.aborted !== true || isHookFailure(error)) throw error;
      throw await undone(signal.reason, () => this.#undoStart(first));
    }
  }

  /**
   * Runs the hooks after the start. They may pause, change or destroy the container, so the lock is
   * not held meanwhile. It is taken again to undo a failure or an abort, and the container may have
   * changed by then.
   *
   * @param first the start of this same call, which an abort undoes; without one an abort ends the
   *   container
   */
  async #follow(first?: Started): Promise<void> {
    const { signal, surroundings } = this.#call;
    const known = this.#known;
    try {
      await new Release(known.state.known, surroundings).follow();
      signal?.throwIfAborted();
    } catch (error) {
      if (isHookFailure(error)) {
        const ending = new Ending(known, this.#call);
        throw await undone(error, () => this.#still(() => ending.takeAway()));
      }
      if (signal?.aborted !== true) throw error;
      const undo = () => first === undefined ? known.kill() : this.#undoStart(first);
      throw await undone(signal.reason, () => this.#still(undo));
    }
  }

  /** Undoes a start; the caller holds the lock. */
  async #undoStart({ before, undo }: Started): Promise<void> {
    const known = this.#known;
    const forget = () => {
      known.init = undefined;
      known.state.keep(known.surroundings.store.write(before));
    };
    await finish(() => known.kill(), ...undo, forget);
  }

  /** Takes the lock, and does something if the container still exists. */
  async #still(act: () => Promise<void>): Promise<void> {
    const known = this.#known;
    try {
      using _lock = await known.state.lock();
      await act();
    } catch (error) {
      if (!isGone(error)) throw error;
      await known.reapRemoved();
    }
  }

  /**
   * Starts a further process. It does not take the container's lock, so any number of processes may
   * join at once, and while another call holds the lock. Only a pause is held off, by the lock for
   * joins.
   */
  async #join(process: Process): Promise<void> {
    using claim = process[CLAIM]();
    const known = this.#known;
    const { ignorePaused = false } = process.options;
    using _joins = ignorePaused
      ? undefined
      : await lockJoins(known.folder, "join", this.#call.signal);
    const stored = known.state.read();
    using pidfd = known.openInit();
    const status = known.statusOf(stored, pidfd !== undefined);
    requireJoinable({ id: known.id, status }, ignorePaused);
    if (pidfd === undefined) throw notRunning({ id: known.id, status: "stopped" });
    await this.loadExec();
    const waits = status === "created" || (status === "paused" && isWaiting(known.folder));
    const { child, streams } = await this.startFurther(stored, pidfd, process, waits);
    claim.attach(child, streams);
  }

  /** Loads what only a further process needs; apart from its start, so that a trace shows both. */
  async loadExec(): Promise<void> {
    await loadExec();
  }

  /** Starts a further process. */
  async startFurther(
    stored: StoredState,
    pidfd: Fd,
    { options }: Process,
    isWaiting: boolean,
  ): Promise<StartedExec> {
    const { startExec } = await loadExec();
    return await startExec({ stored, pidfd, isWaiting }, this.#call.surroundings, options);
  }
}

/** Whether nothing waited: who gave the start may have been killed before it took the fifos away. */
function isGivenAlready(error: unknown): boolean {
  return error instanceof ContainerError && error.code === "ContainerNotRunning";
}

function isInitGone(error: unknown): boolean {
  return error instanceof ContainerError && error.code === "ContainerNotRunning";
}

function isHookFailure(error: unknown): boolean {
  return error instanceof ContainerError && error.code === "HookFailed";
}
