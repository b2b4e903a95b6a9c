/**
 * Whether the memory ran out in a scope. systemd removes its cgroups as soon as the last process has
 * ended, often before this program has looked. So the thread that waits for the kernel's word, which
 * comes before the process ends, reads the count at once.
 *
 * Source: the kernel's Documentation/admin-guide/cgroup-v1/memory.rst (10. OOM Control) and
 * cgroup-v2.rst (memory.events).
 *
 * @module
 */

import { type Fd, O_RDONLY, open } from "../../../ffi/files/file.ts";
import { readFromStart } from "../../../ffi/files/offset.ts";
import type { SyscallProgram } from "../../../ffi/program/program.ts";
import { makeEventfd, takeCount } from "../../../ffi/waiting/eventfd.ts";
import { EPOLLIN, EPOLLPRI, type Poller } from "../../../ffi/waiting/poll.ts";
import { CgroupFolder, parseTable } from "../folder.ts";

const SIZE = 4096;

/** Waits for it until `end`. */
export class OomNotice {
  readonly #counts: Fd;
  /** On v1: raised at each OOM, and once more when the cgroup is removed. */
  readonly #counter: Fd | undefined;
  readonly #poller: Poller;
  readonly #stack: DisposableStack;
  readonly #waiting: Promise<boolean>;
  #isEnding = false;

  /**
   * Begins to wait.
   *
   * @param path the cgroup with the memory controller
   * @throws {SyscallError}
   * @throws {ContainerError} `SystemError`
   */
  constructor(path: string, version: 1 | 2, poller: Poller) {
    using stack = new DisposableStack();
    const file = version === 1 ? "memory.oom_control" : "memory.events";
    this.#poller = poller;
    this.#counts = stack.use(open(`${path}/${file}`, O_RDONLY));
    if (version === 1) {
      this.#counter = stack.use(makeEventfd());
      using folder = new CgroupFolder(path);
      folder.write("cgroup.event_control", `${this.#counter.number} ${this.#counts.number}`);
    }
    this.#stack = stack.move();
    this.#waiting = this.#wait();
  }

  /** Waits no longer, and tells whether it has happened. */
  async end(): Promise<boolean> {
    this.#isEnding = true;
    const { isOpen } = this.#counts;
    if (isOpen) this.#poller.cancel(this.#told);
    return await this.#waiting;
  }

  async #wait(): Promise<boolean> {
    using _open = this.#stack;
    let counts = readIfThere(this.#counts);
    while (!this.#tells(counts)) {
      if (this.#isEnding || counts === undefined) return false; // or the cgroup is gone
      const reading = `oom${this.#counts.number}`;
      const space = { space: SIZE, name: reading };
      const program = await this.#poller.waitAnd(this.#told, EPOLLIN | EPOLLPRI, [{
        label: reading,
        syscall: "pread64",
        args: [this.#counts.number, space, SIZE, 0],
        onError: "continue",
      }]);
      counts = program === undefined ? readIfThere(this.#counts) : readBy(program, reading);
    }
    return true;
  }

  get #told(): Fd {
    return this.#counter ?? this.#counts;
  }

  #tells(counts: Uint8Array | undefined): boolean {
    const raised = this.#counter === undefined ? 0 : takeCount(this.#counter);
    if (counts === undefined) return raised > 1;
    return raised > 0 || (parseTable(new TextDecoder().decode(counts)).oom_kill ?? 0) > 0;
  }
}

function readBy(program: SyscallProgram, reading: string): Uint8Array | undefined {
  const size = program.result(reading);
  return size < 0 ? undefined : program.output(reading).subarray(0, size);
}

function readIfThere(fd: Fd): Uint8Array | undefined {
  try {
    return readFromStart(fd, SIZE);
  } catch {
    return undefined;
  }
}
