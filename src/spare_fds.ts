/**
 * Open fds that stand for others: what undoes a failure must not fail for want of them.
 *
 * @module
 */

import { duplicate, type Fd, O_DIRECTORY, O_PATH, open } from "../ffi/file.ts";

/** What the removal of a folder as deep as the built-in root takes, and the loading of a module. */
const COUNT = 8;

/** Some fds, to be closed when others are needed in their place. */
export class SpareFds implements Disposable {
  readonly #fds: Fd[] = [];

  /**
   * Opens them.
   *
   * @param folder any folder that is there
   * @throws {SyscallError} EMFILE if there are not so many left: nothing is open then
   */
  constructor(folder: string) {
    try {
      const first = open(folder, O_PATH | O_DIRECTORY);
      this.#fds.push(first);
      while (this.#fds.length < COUNT) this.#fds.push(duplicate(first));
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Closes them. */
  [Symbol.dispose](): void {
    for (const fd of this.#fds) fd.close();
  }
}
