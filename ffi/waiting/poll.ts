/**
 * One epoll loop for a program: it waits on any number of fds (pidfds, pipes, eventfds) with one
 * thread of Deno's pool, and only while somebody waits.
 *
 * Source: epoll(7).
 *
 * @module
 */

import { unlessAborted } from "./abort.ts";
import { EINTR } from "../c/errno.ts";
import { EPOLLIN, EpollLoop } from "./epoll_loop.ts";
import type { Fd } from "../files/file.ts";
import type { Operation } from "../program/operation.ts";
import { SyscallProgram } from "../program/program.ts";

export { EPOLLIN, EVENT_DATA, EVENT_SIZE } from "./epoll_loop.ts";

/** There is room to write. */
export const EPOLLOUT = 0x004;
/** An exceptional condition, such as a changed cgroup file. */
export const EPOLLPRI = 0x002;
/** No time, as a timespec. */
export const AT_ONCE: Uint8Array<ArrayBuffer> = new Uint8Array(16);
/** Two milliseconds. */
const MOMENT = new Uint8Array(new BigInt64Array([0n, 2_000_000n]).buffer);

/**
 * Waits for events on fds.
 *
 * @example Wait until a pipe can be read
 * ```ts
 * import { assert } from "@std/assert";
 * import { writeAll } from "../files/file.ts";
 * import { Pipe } from "../files/pipe.ts";
 * import { Poller } from "./poll.ts";
 *
 * using poller = new Poller();
 * using pipe = new Pipe();
 * const readable = poller.wait(pipe.reader);
 * writeAll(pipe.writer, new Uint8Array([1]));
 * assert((await readable & 1) === 1);
 * ```
 */
export class Poller implements Disposable {
  /** What ends the waits, if anything does. */
  readonly signal: AbortSignal | undefined;
  readonly #isAlone: boolean;
  readonly #hasOthers: () => boolean;
  readonly #loop: EpollLoop;
  /** The loop of the waits with calls: what lingers would make all of them each time. */
  readonly #asking: EpollLoop;

  /**
   * Waits for nothing yet.
   *
   * @param options `isAlone`: the program does nothing else meanwhile, so that its event loop needs
   *   no turns, and may wait
   */
  constructor(options: PollerOptions = {}) {
    this.#isAlone = options.isAlone ?? false;
    const { of, hasOthers = () => true, lingerMs } = options;
    this.#hasOthers = of === undefined ? hasOthers : of.#hasOthers;
    this.#loop = of === undefined ? new EpollLoop(this.#isAlone, lingerMs) : of.#loop;
    const asking = lingerMs === undefined ? this.#loop : new EpollLoop(this.#isAlone);
    this.#asking = of === undefined ? asking : of.#asking;
    this.signal = options.signal;
  }

  /**
   * The same loop for what is to be cut short: every wait, and every turn that is given, throws the
   * signal's reason once it is aborted. What was made with it must be undone with {@linkcode
   * Poller.endless}, which can't be aborted.
   */
  until(signal: AbortSignal | undefined): Poller {
    if (signal === undefined) return this;
    const both = this.signal === undefined ? signal : AbortSignal.any([this.signal, signal]);
    return new Poller({ isAlone: this.#isAlone, of: this, signal: both });
  }

  /** The same loop for what must be waited for, whatever is aborted. */
  get endless(): Poller {
    if (this.signal === undefined) return this;
    return new Poller({ isAlone: this.#isAlone, of: this });
  }

  /**
   * Resolves with the events that happened first, EPOLLHUP and EPOLLERR included. The fd must stay
   * open meanwhile, and one waiter at a time may wait on it.
   *
   * @throws {SyscallError} EEXIST if somebody waits on it already
   * @throws the signal's reason
   */
  wait(fd: Fd, events: number = EPOLLIN): Promise<number> {
    const { signal } = this;
    if (signal === undefined) return this.#loop.wait(fd, events);
    if (signal.aborted) return Promise.reject(signal.reason);
    const { number } = fd;
    const happening = this.#loop.wait(fd, events);
    return unlessAborted(happening, signal, () => this.#loop.cancel(number));
  }

  /**
   * Waits for events on an fd, and makes calls by the same program that waits: before this program's
   * event loop gets a turn, which may be too late for what is soon gone.
   *
   * @param atOnce calls that neither wait nor change anything, with labels of their own
   * @returns the program with their results; undefined if it was waiting already without them, or
   *   the wait was ended
   * @throws as `wait`
   */
  waitAnd(
    fd: Fd,
    events: number,
    atOnce: readonly Operation[],
  ): Promise<SyscallProgram | undefined> {
    return this.#asking.waitAnd(fd.number, events, atOnce);
  }

  /**
   * Waits for something that is about to happen. In a program that does nothing else, and if
   * nothing else is waited for, this thread itself waits for at most two milliseconds: that is less
   * work than to have a thread of the pool do it.
   *
   * @throws as `wait`
   */
  async waitForSoon(fd: Fd): Promise<void> {
    const isSoon = this.#isAlone && !this.#loop.isRunning && isReadableSoon(fd);
    if (!isSoon) await this.wait(fd);
  }

  /** Whether the program does nothing else, and ends with what it was called for. */
  get isAlone(): boolean {
    return this.#isAlone;
  }

  /**
   * Gives this program's event loop a turn, with its timers, if it has had none for a millisecond.
   * A start is a long piece of work without waits, and a program that does more than start
   * containers must not stand still for all of it, and even less for those of several starts.
   *
   * @throws the signal's reason
   */
  async giveTurn(): Promise<void> {
    this.signal?.throwIfAborted();
    const { turns } = this.#loop;
    if (this.#isAlone || !this.#hasOthers() || !turns.areDue) return;
    await turns.next();
    this.signal?.throwIfAborted();
  }

  /** Ends a wait on an fd that is about to be closed: its promise resolves with 0. */
  cancel(fd: Fd): void {
    this.#loop.cancel(fd.number);
    this.#asking.cancel(fd.number);
  }

  /** Ends every wait. */
  [Symbol.dispose](): void {
    this.#loop.end();
    this.#asking.end();
  }
}

/** How a Poller waits. */
export interface PollerOptions {
  readonly isAlone?: boolean | undefined;
  /** Whether anything is under way now that a turn would be for; by default always. */
  readonly hasOthers?: (() => boolean) | undefined;
  /**
   * For how many milliseconds this thread itself waits, each time that the event loop has nothing to
   * do, before a thread of the pool does; asked each time. It then neither wakes a thread nor is woken
   * by one. Timers, and what does not come by an fd of this loop, can be later by that time: a
   * millisecond is for a program whose peers mostly go on as soon as they are answered, more for one
   * that has nothing at all to do.
   */
  readonly lingerMs?: (() => number) | undefined;
  /** Whose loop it has; without one a loop of its own. */
  readonly of?: Poller | undefined;
  /** What ends its waits. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Whether there is something to read, a process has ended, or nobody is left to write, just now.
 *
 * @param events what is asked beside errors, in place of that
 */
export function isReady(fd: Fd, events: number = EPOLLIN): boolean {
  const program = new SyscallProgram([readiness(fd, AT_ONCE, events)]);
  // A signal to this thread ends the poll without an answer, also one that does not wait.
  do program.run(); while (program.result(0) === -EINTR);
  return program.result(0) > 0;
}

/** Whether there is something to read, or nobody is left to write it, within a moment. */
function isReadableSoon(fd: Fd): boolean {
  const program = new SyscallProgram([readiness(fd, MOMENT)]);
  program.run();
  return program.result(0) > 0;
}

/**
 * The call that tells whether there is something to read, a process has ended, or nobody is left to
 * write: 1 then, and else 0; -EINTR if a signal came first, also to a call that does not wait. See
 * ppoll(2).
 *
 * @param limit how long it waits, a struct timespec; by default not at all
 * @param events what it tells beside errors, in place of that
 */
export function readiness(
  fd: Fd,
  limit: Uint8Array<ArrayBuffer> = AT_ONCE,
  events = EPOLLIN,
): Operation {
  const polled = new Uint8Array(new Int32Array([fd.number, events]).buffer);
  return { syscall: "ppoll", args: [polled, 1, limit, 0, 8], onError: "continue" };
}
