/** Processes that a container leaves to hull. @module */

import { becomeSubreaper, reapOrphans } from "../../../ffi/processes/process.ts";

/** Takes the statuses of processes that the container left to hull, so that none stays a zombie. */
export class OrphanReaper implements Disposable {
  #reap: (() => void) | undefined;

  /** From now on orphans are left to this program. */
  constructor() {
    becomeSubreaper();
  }

  /**
   * Takes them from now on, except for the one process that is waited for. Until the end this
   * program must not wait for any other child: hooks run before or after.
   */
  begin(except: number): void {
    this.#reap = () => void reapOrphans(except);
    Deno.addSignalListener("SIGCHLD", this.#reap);
    this.#reap();
  }

  /** Stops taking them. */
  [Symbol.dispose](): void {
    if (this.#reap !== undefined) Deno.removeSignalListener("SIGCHLD", this.#reap);
    this.#reap = undefined;
  }
}
