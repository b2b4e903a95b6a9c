/**
 * A container's state as it is now. Other programs, and other objects of this one, change it. So it
 * is read again whenever it is asked for. A caller that wants to change it takes the lock and reads
 * it again: what it read before the lock may be wrong by then.
 *
 * @module
 */

import { pause } from "../../ffi/waiting/abort.ts";
import type { Fd } from "../../ffi/files/file.ts";
import { ContainerError } from "../errors.ts";
import { isGone } from "./container_folder.ts";
import type { StateStore } from "./state_store.ts";
import { isSameContainer, type Snapshot, type StoredState } from "./stored_state.ts";

/** After how long a container without a first process is looked at again. */
const AGAIN_MS = 25;

/** The state of one container, and never of a later one with the same id. */
export class CurrentState {
  readonly #store: StateStore;
  #snapshot: Snapshot;

  /** Knows what was read or written last. */
  constructor(store: StateStore, snapshot: Snapshot) {
    this.#store = store;
    this.#snapshot = snapshot;
  }

  /** What was known last. */
  get known(): StoredState {
    return this.#snapshot.state;
  }

  /**
   * What is now.
   *
   * @throws {ContainerError} `ContainerNotExists`, `StateInvalid`
   */
  read(): StoredState {
    return this.#take(this.#store.read(this.known.id, this.#snapshot));
  }

  /** What is now; what was known last if the container is gone. */
  last(): StoredState {
    try {
      return this.read();
    } catch (error) {
      if (!(error instanceof ContainerError)) throw error;
      return this.known;
    }
  }

  /**
   * Takes the container's lock and reads the state. {@linkcode known} stays true while the lock is
   * held, since all that change the state take it.
   *
   * @throws {ContainerError} `ContainerNotExists`, `StateInvalid`, `SystemError`
   * @throws the signal's reason
   */
  async lock(signal?: AbortSignal): Promise<Fd> {
    return this.#readLocked(await this.#store.lock(this.known.id, signal));
  }

  /** The same, if nobody holds it; undefined otherwise. */
  tryLock(): Fd | undefined {
    const lock = this.#store.tryLock(this.known.id);
    return lock === undefined ? undefined : this.#readLocked(lock);
  }

  /** Whether, by what is known, it has no first process and never gets one. */
  isAbandoned(): boolean {
    return this.#store.isAbandoned(this.known);
  }

  /** Remembers what was written; the caller holds the lock. */
  keep(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
  }

  /**
   * Waits until the container has a first process.
   *
   * @returns false if it never will: it is gone, or its creator is
   * @throws {ContainerError} `SystemError` in a hook that runs while the container is started
   * @throws the signal's reason
   */
  async begun(signal?: AbortSignal): Promise<boolean> {
    for (;;) {
      try {
        const state = this.read();
        if (state.init !== undefined) return true;
        if (this.isAbandoned()) return false;
        await this.#store.requireNoHook(this.known.id);
      } catch (error) {
        if (isGone(error)) return false;
        throw error;
      }
      await pause(AGAIN_MS, signal);
    }
  }

  #readLocked(lock: Fd): Fd {
    try {
      this.#take(this.#store.readIn(lock, this.known.id, this.#snapshot));
      return lock;
    } catch (error) {
      lock.close();
      throw error;
    }
  }

  #take(snapshot: Snapshot): StoredState {
    if (!isSameContainer(snapshot.state, this.known)) throw replaced(this.known.id);
    this.#snapshot = snapshot;
    return snapshot.state;
  }
}

function replaced(id: string): ContainerError {
  return new ContainerError("ContainerNotExists", `container ${id} was removed`, {
    hint: "another one has its id now: load it",
  });
}
