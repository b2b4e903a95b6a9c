/**
 * Open fds that stand for others: what undoes a failure must not fail for want of them.
 *
 * @module
 */

import { duplicate } from "../../ffi/files/descriptor.ts";
import { type Fd, O_DIRECTORY, O_PATH, open } from "../../ffi/files/file.ts";
import { ownSoftLimit } from "../../ffi/processes/rlimit.ts";

/** What the removal of a folder as deep as the built-in root takes, and the loading of a module. */
const COUNT = 8;

/** With so many a start does not run out of them. */
const AMPLE = 256;

/** Some fds, to be closed when others are needed in their place. */
export class SpareFds implements Disposable {
  readonly #fds: Fd[] = [];

  /**
   * Opens them, where this program has not many left: the lowest free number says how many it has
   * about.
   *
   * @param folder any folder that is there
   * @throws {SyscallError} EMFILE if there are not so many left: nothing is open then
   */
  constructor(folder: string) {
    try {
      const first = open(folder, O_PATH | O_DIRECTORY);
      this.#fds.push(first);
      if (first.number + AMPLE < ownSoftLimit("RLIMIT_NOFILE")) return;
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
