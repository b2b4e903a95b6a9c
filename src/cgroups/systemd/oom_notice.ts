/**
 * Whether the memory ran out in a scope. systemd removes its cgroups as soon as the last process has
 * ended, often before this program has looked. So a thread waits for the kernel's word, which comes
 * before the process ends, and reads the count at once.
 *
 * Source: the kernel's Documentation/admin-guide/cgroup-v1/memory.rst (10. OOM Control) and
 * cgroup-v2.rst (memory.events).
 *
 * @module
 */

import { type Fd, O_RDONLY, open, writeAll } from "../../../ffi/files/file.ts";
import { SyscallProgram } from "../../../ffi/program/program.ts";
import { makeEventfd, takeCount } from "../../../ffi/waiting/eventfd.ts";
import { EPOLLIN, EPOLLPRI } from "../../../ffi/waiting/poll.ts";
import { CgroupFolder, parseTable } from "../folder.ts";

const SIZE = 4096;
/** Of pollfd, behind its fd. */
const EVENTS = EPOLLIN | EPOLLPRI;
const ONE = new Uint8Array(new BigInt64Array([1n]).buffer);

/** Waits for it until `end`. */
export class OomNotice {
  readonly #counts: Fd;
  /** On v1: raised at each OOM, and once more when the cgroup is removed. */
  readonly #counter: Fd | undefined;
  readonly #wake: Fd;
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
  constructor(path: string, version: 1 | 2) {
    using stack = new DisposableStack();
    const file = version === 1 ? "memory.oom_control" : "memory.events";
    this.#counts = stack.use(open(`${path}/${file}`, O_RDONLY));
    this.#wake = stack.use(makeEventfd());
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
    if (this.#wake.isOpen) writeAll(this.#wake, ONE);
    return await this.#waiting;
  }

  async #wait(): Promise<boolean> {
    using _open = this.#stack;
    const now = this.#looking([]);
    now.run();
    if (this.#tells(now)) return true;
    while (!this.#isEnding) {
      const then = this.#looking([this.#counter ?? this.#counts, this.#wake]);
      await then.runOffThread();
      if (this.#tells(then)) return true;
      if (then.result("read") < 0) break; // the cgroup is gone
    }
    return false;
  }

  /** A program that waits for any of these, and reads the counts. */
  #looking(told: readonly Fd[]): SyscallProgram {
    const polled = new Uint8Array(
      new Int32Array(told.flatMap(({ number }) => [number, EVENTS])).buffer,
    );
    return new SyscallProgram([
      ...(told.length === 0 ? [] : [
        { syscall: "ppoll", args: [polled, told.length, 0, 0, 8], onError: "continue" } as const,
      ]),
      {
        syscall: "pread64",
        label: "read",
        args: [this.#counts.number, { space: SIZE, name: "counts" }, SIZE, 0],
        onError: "continue",
      },
    ]);
  }

  #tells(looked: SyscallProgram): boolean {
    const size = looked.result("read");
    const raised = this.#counter === undefined ? 0 : takeCount(this.#counter);
    if (size < 0) return raised > 1;
    const text = new TextDecoder().decode(looked.output("counts").slice(0, size));
    return raised > 0 || (parseTable(text).oom_kill ?? 0) > 0;
  }
}
