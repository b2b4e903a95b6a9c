/**
 * The folder of a container that is being made.
 *
 * @module
 */

import { type Fd, O_CREAT, O_EXCL, O_WRONLY, openAt, writeAll } from "../../ffi/files/file.ts";
import { renameNew } from "../../ffi/files/entries.ts";
import type { SpareFds } from "../failures/spare_fds.ts";
import { removeFolder, STATE_FILE } from "./state_temporary.ts";
import type { Snapshot, StoredState } from "./stored_state.ts";
import { storeError } from "./container_folder.ts";

/** The permissions of state.json: it holds the environment of programs. */
export const STATE_MODE = 0o600;
const encoder = new TextEncoder();

/** The folder of a container that is being made, under a name that no container has. */
export class NewFolder implements Disposable {
  readonly path: string;
  readonly #place: string;
  readonly #lock: Fd;
  readonly #spare: SpareFds;
  #isPlaced = false;

  /** Made by {@linkcode StateStore.begin}. */
  constructor(path: string, place: string, lock: Fd, spare: SpareFds) {
    this.path = path;
    this.#place = place;
    this.#lock = lock;
    this.#spare = spare;
  }

  /**
   * Writes the state, and makes the folder the container's.
   *
   * @returns undefined if something of the container's name is there
   * @throws {ContainerError} `SystemError`
   */
  place(state: StoredState): Snapshot | undefined {
    try {
      const text = JSON.stringify(state);
      using file = openAt(this.#lock, STATE_FILE, O_WRONLY | O_CREAT | O_EXCL, STATE_MODE);
      writeAll(file, encoder.encode(text));
      this.#isPlaced = renameNew(this.path, this.#place);
      return this.#isPlaced ? { text, state } : undefined;
    } catch (error) {
      throw storeError(`cannot make the state folder ${this.#place}`, this.#place, error);
    }
  }

  /** Lets go of it; of one that was not placed nothing is left. */
  [Symbol.dispose](): void {
    if (!this.#lock.isOpen) return;
    this.#spare[Symbol.dispose]();
    try {
      if (!this.#isPlaced) removeFolder(this.path);
    } catch (error) {
      throw storeError(`cannot remove ${this.path}`, this.path, error);
    } finally {
      this.#lock.close();
    }
  }
}
