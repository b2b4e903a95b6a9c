/**
 * Limits of time for waits of a {@linkcode Poller}. The engine's own timers need a part of it that
 * takes some five milliseconds to load, which is more than most of these waits.
 *
 * Source: timerfd_create(2).
 *
 * @module
 */

import { SyscallError } from "../c/errno.ts";
import { Fd } from "../files/file.ts";
import type { Operation } from "../program/operation.ts";
import { SyscallProgram } from "../program/program.ts";
import type { Poller } from "./poll.ts";

const CLOCK_MONOTONIC = 1;
const TFD_CLOEXEC = 0o2000000;

/** What is to be done, and when: as `performance.now()` has it. */
interface Due {
  readonly at: number;
  readonly act: () => void;
}

/**
 * Does something after some time, unless it is called off. It keeps a program alive only while there
 * is something to be done.
 *
 * @example
 * ```ts
 * import { Alarm } from "./alarm.ts";
 * import { Poller } from "./poll.ts";
 *
 * using poller = new Poller();
 * using alarm = new Alarm(poller);
 * const { promise, resolve } = Promise.withResolvers<void>();
 * alarm.after(5, resolve);
 * await promise;
 * ```
 */
export class Alarm implements Disposable {
  readonly #poller: Poller;
  readonly #due = new Set<Due>();
  #timer: Fd | undefined;
  /** When the timer fires. */
  #firesAt = Infinity;
  #isWaiting = false;

  /** Does nothing yet. */
  constructor(poller: Poller) {
    this.#poller = poller;
  }

  /**
   * Has something done.
   *
   * @returns calls it off
   * @throws {SyscallError}
   */
  after(milliseconds: number, act: () => void): () => void {
    const due: Due = { at: performance.now() + milliseconds, act };
    if (due.at < this.#firesAt) this.#set(milliseconds);
    this.#due.add(due);
    if (!this.#isWaiting) void this.#wait();
    return () => {
      if (this.#due.delete(due) && this.#due.size === 0) this.#rest();
    };
  }

  /** Calls all of it off. */
  [Symbol.dispose](): void {
    this.#due.clear();
    this.#rest();
    this.#timer?.close();
    this.#timer = undefined;
  }

  #rest(): void {
    if (this.#isWaiting && this.#timer !== undefined) this.#poller.cancel(this.#timer);
  }

  async #wait(): Promise<void> {
    this.#isWaiting = true;
    try {
      while (this.#timer !== undefined && this.#due.size > 0) {
        await this.#poller.wait(this.#timer);
        this.#ring();
      }
    } catch {
      // The poller's signal was aborted: that ends all waits, these included.
    } finally {
      this.#isWaiting = false;
    }
  }

  #ring(): void {
    if (this.#due.size === 0) return; // called off
    const now = performance.now();
    for (const due of [...this.#due].toSorted((a, b) => a.at - b.at)) {
      if (due.at > now || !this.#due.delete(due)) continue;
      due.act();
    }
    const next = Math.min(...[...this.#due].map(({ at }) => at));
    if (next < Infinity && this.#timer !== undefined) this.#set(Math.max(0, next - now));
  }

  #set(milliseconds: number): void {
    const nanoseconds = BigInt(Math.max(1, Math.ceil(milliseconds * 1e6)));
    const value = [0n, 0n, nanoseconds / 1_000_000_000n, nanoseconds % 1_000_000_000n];
    const time = new Uint8Array(new BigInt64Array(value).buffer);
    this.#timer ??= new Fd(made("timerfd_create", [CLOCK_MONOTONIC, TFD_CLOEXEC]));
    made("timerfd_settime", [this.#timer.number, 0, time, 0]);
    this.#firesAt = performance.now() + milliseconds;
  }
}

function made(syscall: "timerfd_create" | "timerfd_settime", args: Operation["args"]): number {
  const program = new SyscallProgram([{ syscall, args }]);
  program.run();
  const failure = program.failure();
  if (failure !== undefined) throw new SyscallError(syscall, failure.errno);
  return program.result(0);
}
