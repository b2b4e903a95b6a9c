/**
 * Fds that are opened in reserve, so that undoing a failure does not fail for want of fds.
 *
 * @module
 */

import { duplicate } from "../../ffi/files/descriptor.ts";
import { type Fd, O_DIRECTORY, O_PATH, open } from "../../ffi/files/file.ts";
import { softLimitOf } from "../../ffi/processes/rlimit.ts";

/** As many as it takes to remove a folder as deep as the built-in root and to load a module. */
const COUNT = 8;

/** With so many free fds a start does not run out of them. */
const AMPLE = 256;

/** Some fds, to be closed when others are needed in their place. */
export class SpareFds implements Disposable {
  readonly #fds: Fd[] = [];

  /**
   * Opens them if this program has few fds left. The lowest free number tells about how many are
   * open.
   *
   * @param folder any folder that is there
   * @throws {SyscallError} EMFILE if there are not so many left: nothing is open then
   */
  constructor(folder: string) {
    try {
      const first = open(folder, O_PATH | O_DIRECTORY);
      this.#fds.push(first);
      if (first.number + AMPLE < softLimitOf("RLIMIT_NOFILE")) return;
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
