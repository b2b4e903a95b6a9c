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
import { comesWithin } from "../../../ffi/waiting/abort.ts";
import { EPOLLIN, EPOLLPRI, type Poller } from "../../../ffi/waiting/poll.ts";
import { CgroupFolder, parseTable } from "../folder.ts";
import type { MemoryNotice } from "../manager.ts";

const SIZE = 4096;
/** How much later than the files the eventfd may tell of the cgroup's end, in milliseconds. */
const LATE_MS = 100;

/** The kernel's word. It counts from the beginning, but is only waited for from `begin` to `rest`. */
export class OomNotice implements MemoryNotice {
  readonly counts: Fd;
  /** On v1: raised at each OOM, and once more when the cgroup is removed. */
  readonly counter: Fd | undefined;
  readonly #poller: Poller;
  readonly #stack: DisposableStack;
  #waiting: Promise<void> | undefined;
  #isResting = false;
  #hasHappened = false;
  /** How often the eventfd was raised. */
  #raised = 0;

  /**
   * Opens what tells it.
   *
   * @param path the cgroup with the memory controller
   * @throws {SyscallError}
   * @throws {ContainerError} `SystemError`
   */
  constructor(path: string, version: 1 | 2, poller: Poller) {
    using stack = new DisposableStack();
    const file = version === 1 ? "memory.oom_control" : "memory.events";
    this.#poller = poller;
    this.counts = stack.use(open(`${path}/${file}`, O_RDONLY));
    if (version === 1) {
      this.counter = stack.use(makeEventfd());
      using folder = new CgroupFolder(path);
      folder.write("cgroup.event_control", `${this.counter.number} ${this.counts.number}`);
    }
    this.#stack = stack.move();
  }

  begin(): void {
    if (this.#stack.disposed) return;
    this.#isResting = false;
    this.#waiting ??= this.#wait().finally(() => this.#waiting = undefined);
  }

  rest(): void {
    this.#isResting = true;
    if (this.#waiting !== undefined) this.#poller.cancel(this.#told);
  }

  async end(): Promise<boolean> {
    this.rest();
    await this.#waiting;
    if (!this.#stack.disposed && !this.#look()) await this.#lookAgain();
    this[Symbol.dispose]();
    return this.#hasHappened;
  }

  [Symbol.dispose](): void {
    this.rest();
    this.#stack.dispose();
  }

  async #wait(): Promise<void> {
    let isThere = this.#look();
    while (isThere && !this.#isResting && !this.#hasHappened) {
      const reading = `oom${this.counts.number}`;
      const space = { space: SIZE, name: reading };
      const program = await this.#poller.waitAnd(this.#told, EPOLLIN | EPOLLPRI, [{
        label: reading,
        syscall: "pread64",
        args: [this.counts.number, space, SIZE, 0],
        onError: "continue",
      }]);
      if (this.#stack.disposed) return;
      if (program === undefined) {
        isThere = this.#look();
        continue;
      }
      this.#take(); // woken by it, and then read
      isThere = this.#judge(readBy(program, reading));
    }
  }

  get #told(): Fd {
    return this.counter ?? this.counts;
  }

  /**
   * Looks now.
   *
   * @returns whether the cgroup is there
   */
  #look(): boolean {
    this.#take(); // what is raised later may be so by the end of the cgroup
    return this.#judge(readIfThere(this.counts));
  }

  /** An eventfd that was raised once by then was so by an OOM if the cgroup's end follows. */
  async #lookAgain(): Promise<void> {
    if (this.#hasHappened || this.#raised !== 1) return;
    await comesWithin(this.#poller.wait(this.#told), LATE_MS);
    this.#poller.cancel(this.#told);
    this.#look();
  }

  #judge(counts: Uint8Array | undefined): boolean {
    this.#hasHappened ||= counts === undefined
      ? this.#raised > 1
      : this.#raised > 0 || kills(counts) > 0;
    return counts !== undefined;
  }

  #take(): void {
    if (this.counter !== undefined) this.#raised += takeCount(this.counter);
  }
}

function kills(counts: Uint8Array): number {
  return parseTable(new TextDecoder().decode(counts)).oom_kill ?? 0;
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
