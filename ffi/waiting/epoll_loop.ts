/**
 * The loop of a Poller: who waits on which fd, and who is told in which turn.
 *
 * Source: epoll(7).
 *
 * @module
 */

import { EEXIST, EINTR, SyscallError } from "../c/errno.ts";
import { checked, libc } from "../c/libc.ts";
import { Fd } from "../files/file.ts";
import type { Operation } from "../program/operation.ts";
import { SyscallProgram } from "../program/program.ts";
import { Turns } from "./turns.ts";

/** There is something to read, or a process has ended. */
export const EPOLLIN = 0x001;
const EPOLLONESHOT = 0x40000000;
const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const BATCH = 64;
/** For how long the calling thread waits before its first look for signals and timers. */
const MOMENT_MS = 20;

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

/** An event, and who waited for it. */
interface Happened {
  readonly waiter: Waiter;
  readonly events: number;
  readonly program: SyscallProgram | undefined;
}

/** The loop, and who waits in it. */
export class EpollLoop {
  readonly #waiters = new Map<number, Waiter>();
  /** Those among them with calls of their own. */
  readonly #asking = new Set<Waiter>();
  /** Programs without such calls, by how long they wait: each turn is the same. */
  readonly #plain = new Map<number, SyscallProgram>();
  readonly #event = new DataView(new ArrayBuffer(EVENT_SIZE));
  #epoll: Fd | undefined;
  #wake: Fd | undefined;
  #running = false;
  /** Whether another thread waits, which knows only of what was there when it began. */
  #isAway = false;
  #isEnded = false;
  /** The turns of the event loop. */
  readonly turns: Turns = new Turns();
  /** What has happened, and who gets to know of it only in a later turn. */
  readonly #happened = new Map<number, Happened>();
  readonly #isAlone: boolean;
  readonly #lingerMs: (() => number) | undefined;

  /**
   * Nobody waits yet.
   *
   * @param isAlone whether this program does nothing else, so that its event loop needs no turns
   * @param lingerMs for how many milliseconds the calling thread waits itself before another one does
   */
  constructor(isAlone: boolean, lingerMs?: () => number) {
    this.#isAlone = isAlone;
    this.#lingerMs = lingerMs;
  }

  /** Whether somebody waits. */
  get isRunning(): boolean {
    return this.#running;
  }

  /** See `Poller.wait`. */
  wait(fd: Fd, events: number): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#add(fd.number, events, { resolve, reject, atOnce: [] });
    return promise;
  }

  /** See `Poller.waitAnd`. */
  waitAnd(
    number: number,
    events: number,
    atOnce: readonly Operation[],
  ): Promise<SyscallProgram | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<SyscallProgram | undefined>();
    this.#interrupt(); // the program that waits must have these calls
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
    if (waiter.atOnce.length > 0) this.#asking.add(waiter);
    if (!this.#running) void this.#loop();
  }

  /** Ends the wait on an fd, if there is one: it resolves with 0. */
  cancel(number: number): void {
    const happened = this.#happened.get(number);
    this.#happened.delete(number);
    happened?.waiter.resolve(0);
    const waiter = this.#waiters.get(number);
    if (waiter === undefined) return;
    this.#forget(number, waiter);
    waiter.resolve(0);
    if (this.#waiters.size === 0) this.#interrupt();
  }

  /** Ends all waits. What lingers keeps its epoll up to then: it is about to wait again. */
  end(): void {
    this.#isEnded = true;
    for (const number of [...this.#happened.keys()]) this.cancel(number);
    for (const [number, waiter] of [...this.#waiters]) {
      this.#forget(number, waiter);
      waiter.resolve(0);
    }
    this.#interrupt();
    if (!this.#running) this.#close();
  }

  #forget(number: number, waiter: Waiter): void {
    this.#waiters.delete(number);
    this.#asking.delete(waiter);
    this.#control(EPOLL_CTL_DEL, number, 0);
  }

  #control(operation: number, number: number, events: number): void {
    const epoll = this.#epoll ??= new Fd(
      checked("epoll_create1", libc.epoll_create1(EPOLL_CLOEXEC)),
    );
    const event = this.#event;
    event.setUint32(0, events >>> 0, true);
    event.setUint32(EVENT_DATA, number, true);
    checked("epoll_ctl", libc.epoll_ctl(epoll.number, operation, number, event));
  }

  /** An eventfd that is ready ends an epoll_wait that has nothing left to wait for. */
  #interrupt(): void {
    if (!this.#isAway || this.#wake !== undefined) return;
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
      this.#asking.clear();
    } finally {
      this.#running = false;
      if (this.#lingerMs === undefined || this.#isEnded) this.#close();
    }
  }

  #close(): void {
    this.#wake?.close();
    this.#epoll?.close();
    this.#wake = this.#epoll = undefined;
    this.#plain.clear();
  }

  async #turn(epoll: Fd): Promise<void> {
    if (this.#lingerMs !== undefined && await this.#linger(epoll, this.#lingerMs)) return;
    const program = this.#program(epoll, -1);
    const asking = [...this.#asking];
    this.#isAway = true;
    await program.runOffThread().finally(() => this.#isAway = false);
    await this.#take(program, asking);
  }

  /**
   * Waits in the calling thread. Who takes a signal in this program, or is awaited by a timer, is told
   * only while this thread waits for nothing itself. So a long time has turns in between: what came
   * just before one of its parts waits no longer than this program had nothing to do before.
   *
   * @returns whether something has happened, or nobody waits any more
   */
  async #linger(epoll: Fd, lingerMs: () => number): Promise<boolean> {
    await immediate(); // all else comes first
    for (let waitedMs = 0; this.#waiters.size > 0;) {
      const leftMs = this.turns.isAwaited ? 0 : Math.max(0, lingerMs() - waitedMs);
      const partMs = Math.min(leftMs, MOMENT_MS + waitedMs);
      const program = this.#program(epoll, partMs);
      program.run();
      const count = program.result(0);
      if (count !== 0 && count !== -EINTR) {
        await this.#take(program, [...this.#asking]);
        return true;
      }
      if (count !== 0 || partMs === leftMs) return false;
      waitedMs += partMs;
      await this.turns.next();
      await immediate(); // of what came in that turn each has a callback
    }
    return true;
  }

  /** What waits, for so many milliseconds, or without end, and then makes the waiters' calls. */
  #program(epoll: Fd, limitMs: number): SyscallProgram {
    const events = { space: EVENT_SIZE * BATCH, name: "events" };
    const wait: Operation = {
      syscall: "epoll_pwait",
      args: [epoll.number, events, BATCH, limitMs, 0, 8],
    };
    if (this.#asking.size > 0) {
      return new SyscallProgram([wait, ...[...this.#asking].flatMap(({ atOnce }) => atOnce)]);
    }
    const known = this.#plain.get(limitMs) ?? new SyscallProgram([wait]);
    this.#plain.set(limitMs, known);
    return known;
  }

  /**
   * Takes what has happened from a program, and tells it.
   *
   * @param asking those whose calls the program has made
   */
  async #take(program: SyscallProgram, asking: readonly Waiter[]): Promise<void> {
    this.turns.note();
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
      this.#forget(number, waiter);
      const told = asking.includes(waiter) ? program : undefined;
      const events = view.getUint32(k * EVENT_SIZE, true);
      this.#happened.set(number, { waiter, events, program: told });
    }
    await this.#tell();
  }

  /** Tells those for whom something has happened, each in a turn of the event loop of its own. */
  async #tell(): Promise<void> {
    for (const [number, { waiter, events, program }] of this.#happened) {
      this.#happened.delete(number);
      waiter.resolve(events, program);
      if (this.#happened.size === 0 || this.#isAlone) continue;
      await (this.#lingerMs !== undefined ? immediate() : this.turns.next());
    }
  }
}

/** Gives the event loop a turn, with its timers, at once: for work that is short. */
function immediate(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
