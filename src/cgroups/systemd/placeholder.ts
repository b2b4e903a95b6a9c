/**
 * A process that holds a new unit until the container's first process is in it: systemd starts no
 * scope without a process, and stops it when it is empty.
 *
 * It is a syscall program (ffi/program/program_image.ts) that waits for the end of a pipe. Whatever
 * becomes of this program, it ends with it, and with it the unit.
 *
 * @module
 */

import { failedWith } from "../../../ffi/c/errno.ts";
import { SIGKILL } from "../../../ffi/c/signal_numbers.ts";
import type { Fd } from "../../../ffi/files/file.ts";
import { Pipe } from "../../../ffi/files/pipe.ts";
import { executeFile } from "../../../ffi/processes/executed_file.ts";
import {
  type ExitStatus,
  openPidfd,
  reap,
  reapEnding,
  signalPidfd,
} from "../../../ffi/processes/process.ts";
import { executableFile, programImage } from "../../../ffi/program/program_image.ts";
import { cgroupError } from "../cgroup_errors.ts";
import { processesIn } from "../tree.ts";

const NAME = "hull-placeholder";
const PR_SET_PDEATHSIG = 1;

/** Such a process; disposing of it ends it. */
export class Placeholder implements Disposable {
  readonly pid: number;
  readonly #pidfd: Fd;
  readonly #pipe: Pipe;
  #end: ExitStatus | undefined;

  /**
   * Starts it.
   *
   * @throws {ContainerError} `SystemError`
   */
  constructor() {
    using stack = new DisposableStack();
    this.#pipe = stack.use(new Pipe());
    try {
      this.pid = launch(this.#pipe.reader);
    } catch (error) {
      const hint = failedWith(error, "EACCES")
        ? "the host may forbid executable files in memory: sysctl -w vm.memfd_noexec=1 allows them"
        : undefined;
      throw cgroupError("cannot start the process that holds the unit", error, NAME, { hint });
    }
    this.#pidfd = openPidfd(this.pid);
    stack.move();
  }

  /** Whether it is in a cgroup: systemd alone puts it there, and only for the one who asked. */
  isIn(folder: string): boolean {
    return this.#pidfd.isOpen && processesIn(folder).includes(this.pid);
  }

  /** Whether it was killed, and not by its disposal: it waits, and does nothing that might end it. */
  get wasKilled(): boolean {
    if (this.#pidfd.isOpen) this.#end ??= reap(this.#pidfd);
    return this.#end?.signal === SIGKILL;
  }

  [Symbol.dispose](): void {
    if (!this.#pidfd.isOpen) return;
    if (!this.wasKilled && this.#end === undefined) {
      signalPidfd(this.#pidfd, SIGKILL);
      reapEnding(this.#pidfd);
    }
    this.#pidfd.close();
    this.#pipe[Symbol.dispose]();
  }
}

function launch({ number }: Fd): number {
  using file = executableFile(
    NAME,
    programImage([
      { syscall: "prctl", args: [PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0], onError: "continue" },
      // It may be somebody else's child by now; then the pipe has ended, too.
      { syscall: "read", args: [number, { space: 1, name: "nothing" }, 1], onError: "continue" },
      { syscall: "exit_group", args: [0] },
    ]),
  );
  return executeFile(file, [NAME], [number]);
}
