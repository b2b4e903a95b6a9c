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
  #epoll: Fd | undefined;
  #wake: Fd | undefined;
  #running = false;
  /** The turns of the event loop. */
  readonly turns: Turns = new Turns();
  /** What has happened, and who gets to know of it only in a later turn. */
  readonly #happened = new Map<number, Happened>();
  readonly #isAlone: boolean;

  /** @param isAlone whether this program does nothing else, so that its event loop needs no turns */
  constructor(isAlone: boolean) {
    this.#isAlone = isAlone;
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

  /** Ends the wait on an fd, if there is one: it resolves with 0. */
  cancel(number: number): void {
    const happened = this.#happened.get(number);
    this.#happened.delete(number);
    happened?.waiter.resolve(0);
    const waiter = this.#waiters.get(number);
    if (waiter === undefined) return;
    this.#forget(number);
    waiter.resolve(0);
    if (this.#waiters.size === 0) this.#interrupt();
  }

  /** Ends all waits. */
  end(): void {
    for (const number of [...this.#happened.keys()]) this.cancel(number);
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
      this.#forget(number);
      const told = waiters.includes(waiter) ? program : undefined;
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
      if (this.#happened.size > 0 && !this.#isAlone) await this.turns.next();
    }
  }
}
