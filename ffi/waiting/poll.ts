/**
 * One epoll loop for a program: it waits on any number of fds (pidfds, pipes, eventfds) with one
 * thread of Deno's pool, and only while somebody waits.
 *
 * Source: epoll(7).
 *
 * @module
 */

import { unlessAborted } from "./abort.ts";
import { EEXIST, EINTR, SyscallError } from "../c/errno.ts";
import { Fd } from "../files/file.ts";
import { checked, libc } from "../c/libc.ts";
import type { Operation } from "../program/operation.ts";
import { SyscallProgram } from "../program/program.ts";

/** There is something to read, or a process has ended. */
export const EPOLLIN = 0x001;
/** There is room to write. */
export const EPOLLOUT = 0x004;
/** An exceptional condition, such as a changed cgroup file. */
export const EPOLLPRI = 0x002;
const EPOLLONESHOT = 0x40000000;
const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const BATCH = 64;
/** For how long the event loop may stand before a start gives it a turn. */
const TURN_AFTER_MS = 1;
/** Twenty microseconds as a timespec; the kernel makes some seventy of it. */
const TURN = new Uint8Array(new BigInt64Array([0n, 20_000n]).buffer);
/** No time, as a timespec. */
export const AT_ONCE: Uint8Array<ArrayBuffer> = new Uint8Array(16);
/** Two milliseconds. */
const MOMENT = new Uint8Array(new BigInt64Array([0n, 2_000_000n]).buffer);

/** epoll_event is packed on x86_64 alone. */
export const EVENT_SIZE: number = Deno.build.arch === "x86_64" ? 12 : 16;
/** The place in it of what was given with the fd. */
export const EVENT_DATA: number = Deno.build.arch === "x86_64" ? 4 : 8;

interface Waiter {
  readonly resolve: (events: number, program?: SyscallProgram) => void;
  readonly reject: (error: unknown) => void;
  /** What is done as soon as anything has happened, before this program gets to know of it. */
  readonly atOnce: readonly Operation[];
}

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

  /**
   * Waits for nothing yet.
   *
   * @param options `isAlone`: the program does nothing else meanwhile, so that its event loop needs
   *   no turns, and may wait
   */
  constructor(options: PollerOptions = {}) {
    this.#isAlone = options.isAlone ?? false;
    const { of, hasOthers = () => true } = options;
    this.#hasOthers = of === undefined ? hasOthers : of.#hasOthers;
    this.#loop = of === undefined ? new EpollLoop() : of.#loop;
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
    return this.#loop.waitAnd(fd.number, events, atOnce);
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
   * containers must not stand still for all of it.
   *
   * Deno runs its timers only when it has nothing else to do. So a thread of the pool sleeps for
   * the shortest time it can; a timer would only fire after a millisecond or two.
   *
   * @throws the signal's reason
   */
  async giveTurn(): Promise<void> {
    this.signal?.throwIfAborted();
    if (
      this.#isAlone || !this.#hasOthers() ||
      performance.now() - this.#loop.turnedAt <= TURN_AFTER_MS
    ) return;
    await new SyscallProgram([{ syscall: "nanosleep", args: [TURN, 0] }]).runOffThread();
    this.#loop.turnedAt = performance.now();
    this.signal?.throwIfAborted();
  }

  /** Ends a wait on an fd that is about to be closed: its promise resolves with 0. */
  cancel(fd: Fd): void {
    this.#loop.cancel(fd.number);
  }

  /** Ends every wait. */
  [Symbol.dispose](): void {
    this.#loop.end();
  }
}

/** How a Poller waits. */
export interface PollerOptions {
  readonly isAlone?: boolean | undefined;
  /** Whether anything is under way now that a turn would be for; by default always. */
  readonly hasOthers?: (() => boolean) | undefined;
  /** Whose loop it has; without one a loop of its own. */
  readonly of?: Poller | undefined;
  /** What ends its waits. */
  readonly signal?: AbortSignal | undefined;
}

/** The loop, and who waits in it. */
class EpollLoop {
  readonly #waiters = new Map<number, Waiter>();
  #epoll: Fd | undefined;
  #wake: Fd | undefined;
  #running = false;
  /** When the event loop had a turn the last time. */
  turnedAt = performance.now();

  /** Whether somebody waits. */
  get isRunning(): boolean {
    return this.#running;
  }

  wait(fd: Fd, events: number): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#add(fd.number, events, { resolve, reject, atOnce: [] });
    return promise;
  }

  waitAnd(
    number: number,
    events: number,
    atOnce: readonly Operation[],
  ): Promise<SyscallProgram | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<SyscallProgram | undefined>();
    if (this.#running) this.#interrupt(); // the program that waits must have these calls
    this.#add(number, events, { resolve: (_, program) => resolve(program), reject, atOnce });
    return promise;
  }

  #add(number: number, events: number, waiter: Waiter): void {
    if (this.#waiters.has(number)) {
      return waiter.reject(new SyscallError("epoll_ctl", EEXIST, `fd ${number}`));
    }
    try {
      this.#control(EPOLL_CTL_ADD, number, events | EPOLLONESHOT);
    } catch (error) {
      return waiter.reject(error);
    }
    this.#waiters.set(number, waiter);
    if (!this.#running) void this.#loop();
  }

  cancel(number: number): void {
    const waiter = this.#waiters.get(number);
    if (waiter === undefined) return;
    this.#forget(number);
    waiter.resolve(0);
    if (this.#waiters.size === 0) this.#interrupt();
  }

  end(): void {
    for (const [number, waiter] of [...this.#waiters]) {
      this.#forget(number);
      waiter.resolve(0);
    }
    if (this.#running) this.#interrupt();
  }

  #forget(number: number): void {
    this.#waiters.delete(number);
    this.#control(EPOLL_CTL_DEL, number, 0);
  }

  #control(operation: number, number: number, events: number): void {
    const epoll = this.#epoll ??= new Fd(
      checked("epoll_create1", libc.epoll_create1(EPOLL_CLOEXEC)),
    );
    const event = new Uint8Array(EVENT_SIZE);
    const view = new DataView(event.buffer);
    view.setUint32(0, events >>> 0, true);
    view.setUint32(EVENT_DATA, number, true);
    checked("epoll_ctl", libc.epoll_ctl(epoll.number, operation, number, event));
  }

  /** An eventfd that is ready ends an epoll_wait that has nothing left to wait for. */
  #interrupt(): void {
    if (this.#epoll === undefined || this.#wake !== undefined) return;
    this.#wake = new Fd(checked("eventfd2", libc.eventfd2(1, EPOLL_CLOEXEC)));
    this.#control(EPOLL_CTL_ADD, this.#wake.number, EPOLLIN);
  }

  async #loop(): Promise<void> {
    this.#running = true;
    try {
      while (this.#waiters.size > 0) await this.#turn(this.#epoll as Fd);
    } catch (error) {
      for (const waiter of this.#waiters.values()) waiter.reject(error);
      this.#waiters.clear();
    } finally {
      this.#wake?.close();
      this.#epoll?.close();
      this.#wake = this.#epoll = undefined;
      this.#running = false;
    }
  }

  async #turn(epoll: Fd): Promise<void> {
    const waiters = [...this.#waiters.values()];
    const program = new SyscallProgram([
      {
        syscall: "epoll_pwait",
        args: [epoll.number, { space: EVENT_SIZE * BATCH, name: "events" }, BATCH, -1, 0, 8],
      },
      ...waiters.flatMap(({ atOnce }) => atOnce),
    ]);
    await program.runOffThread();
    this.turnedAt = performance.now();
    const count = program.result(0);
    if (count === -EINTR) return;
    if (count < 0) throw new SyscallError("epoll_pwait", -count);
    const bytes = program.output("events");
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let k = 0; k < count; k++) {
      const number = view.getUint32(k * EVENT_SIZE + EVENT_DATA, true);
      if (number === this.#wake?.number) {
        this.#wake.close();
        this.#wake = undefined;
      }
      const waiter = this.#waiters.get(number);
      if (waiter === undefined) continue;
      this.#forget(number);
      const told = waiters.includes(waiter) ? program : undefined;
      waiter.resolve(view.getUint32(k * EVENT_SIZE, true), told);
    }
  }
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
