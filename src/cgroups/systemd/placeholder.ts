/**
 * A process that holds a new unit until the container's first process is in it: systemd starts no
 * scope without a process, and stops it when it is empty.
 *
 * It is a syscall program (ffi/program/program_image.ts) that waits for the end of a pipe. Whatever
 * becomes of this program, it ends with it, and with it the unit.
 *
 * @module
 */

import { SIGKILL } from "../../../ffi/c/signal_numbers.ts";
import { F_SETFD } from "../../../ffi/c/fd_numbers.ts";
import { SyscallError } from "../../../ffi/c/errno.ts";
import { AT_EMPTY_PATH, type Fd } from "../../../ffi/files/file.ts";
import { Pipe } from "../../../ffi/files/pipe.ts";
import {
  CLONE_ARGS_SIZE,
  CLONE_CLEAR_SIGHAND,
  CLONE_VFORK,
  CLONE_VM,
  cloneArguments,
} from "../../../ffi/processes/namespaces.ts";
import { openPidfd, reapEnding, signalPidfd } from "../../../ffi/processes/process.ts";
import { SyscallProgram } from "../../../ffi/program/program.ts";
import { executableFile, programImage } from "../../../ffi/program/program_image.ts";
import { cgroupError } from "../cgroup_errors.ts";

const NAME = "hull-placeholder";
const PR_SET_PDEATHSIG = 1;

/** Such a process; disposing of it ends it. */
export class Placeholder implements Disposable {
  readonly pid: number;
  readonly #pidfd: Fd;
  readonly #pipe: Pipe;

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
      throw cgroupError("cannot start the process that holds the unit", error, NAME);
    }
    this.#pidfd = openPidfd(this.pid);
    stack.move();
  }

  [Symbol.dispose](): void {
    if (!this.#pidfd.isOpen) return;
    signalPidfd(this.#pidfd, SIGKILL);
    reapEnding(this.#pidfd);
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
  const flags = BigInt(CLONE_VM | CLONE_VFORK) | CLONE_CLEAR_SIGHAND;
  const program = new SyscallProgram([
    {
      syscall: "clone3",
      args: [cloneArguments(flags, { exitSignal: 0 }), CLONE_ARGS_SIZE],
      onPositive: "return",
      onError: "return",
    },
    { syscall: "fcntl", args: [number, F_SETFD, 0] },
    {
      syscall: "execveat",
      label: "exec",
      args: [file.number, "", { words: [NAME, 0] }, { words: [0] }, AT_EMPTY_PATH],
      onError: "continue",
    },
    { syscall: "exit_group", args: [127] },
  ]);
  program.run();
  const pid = program.result(0);
  if (pid < 0) throw new SyscallError("clone3", -pid);
  const error = program.result("exec");
  if (error === 0) return pid;
  using pidfd = openPidfd(pid);
  reapEnding(pidfd);
  throw new SyscallError("execveat", -error, NAME);
}
