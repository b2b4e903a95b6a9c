/**
 * A process as its parent sees it, while it is born and while it lives.
 *
 * @module
 */

import { SIGKILL } from "../../ffi/c/signal_numbers.ts";
import { Fd } from "../../ffi/files/file.ts";
import type { Poller } from "../../ffi/waiting/poll.ts";
import {
  copyFdOf,
  type ExitStatus,
  peekEnd,
  reap,
  signalPidfd,
} from "../../ffi/processes/process.ts";
import {
  decodeUsage,
  type ResourceUsage,
  RUSAGE_SIZE,
} from "../../ffi/processes/resource_usage.ts";
import { signalNumber } from "../../ffi/processes/signals.ts";
import { ContainerError } from "../errors.ts";

/**
 * A process of a container as its parent sees it. Two kinds: InitProcess is a container's first,
 * SetnsProcess a further one.
 */
export interface ParentProcess {
  /** The process's number on the host. */
  readonly pid: number;
  /** Waits for its end and takes its status: see {@linkcode Child.wait}. */
  wait(keep?: KeepEnd): Promise<ExitStatus>;
  /** Sends a signal. */
  signal(signal: string | number): void;
  /** Kills it with all that it has started and that has not detached from it. */
  killTree(): void;
  /** Sets the size of its terminal. */
  resize(columns: number, rows: number): void;
  /** The byte for which its terminal sends SIGINT, if it has one that does. */
  interruptKey(): number | undefined;
  /** Types the end of its input on its terminal, if it has one, for each read. */
  typeEnd(signal: AbortSignal): Promise<void>;
  /** Kills it and takes its status: what a failed birth ends with. */
  terminate(): Promise<void>;
  /** What it has used, if this program took its status. */
  readonly usage: ResourceUsage | undefined;
}

/**
 * The number of a signal.
 *
 * @throws {ContainerError} `ConfigInvalid`
 */
export function requireSignal(signal: string | number): number {
  // 0 is no signal, but asks whether the process is there: kill(2).
  const number = String(signal).trim() === "0" ? 0 : signalNumber(signal);
  if (number !== undefined) return number;
  throw new ContainerError("ConfigInvalid", `unknown signal ${JSON.stringify(signal)}`, {
    hint: "use a number from 0 to 64 or a name such as TERM",
  });
}

/** Who is told how a process ended, if not this program. */
export interface StatusKeeper {
  /** The status of a process that has ended; undefined if it was lost. */
  status(): Promise<ExitStatus | undefined>;
  /** The same once it ends, if it is told that by itself; undefined if nobody tells it any more. */
  readonly end?: Promise<ExitStatus | undefined> | undefined;
}

/** For a child of another process, of which only the end matters. */
export const NOT_TOLD: StatusKeeper = { status: () => Promise.resolve(undefined) };

/**
 * Keeps how a child has ended before its status is taken. If this program is killed at any moment, the
 * status is either kept or is still there for the process that adopts the child.
 */
export type KeepEnd = (status: ExitStatus) => void;

/** The number of an fd that is closed. */
const NO_FD = -1;

/** A process by its pidfd: its status is taken once and then remembered. */
export class Child implements Disposable {
  readonly pid: number;
  readonly #pidfd: Fd;
  readonly #poller: Poller;
  readonly #keeper: StatusKeeper | undefined;
  #ending: Promise<ExitStatus | undefined> | undefined;
  #usage: Uint8Array<ArrayBuffer> | undefined;

  /**
   * Takes over the pidfd.
   *
   * @param keeper whose child it is; without one this program's
   */
  constructor(pid: number, pidfd: Fd, poller: Poller, keeper?: StatusKeeper) {
    this.pid = pid;
    this.#pidfd = pidfd;
    this.#poller = poller.endless; // undoing after an abort waits for its end, too
    this.#keeper = keeper;
  }

  /** A process that has ended, of which this is known already. */
  static ofEnded(pid: number, status: ExitStatus | undefined, poller: Poller): Child {
    const child = new Child(pid, new Fd(NO_FD), poller, NOT_TOLD);
    child.#ending = Promise.resolve(status);
    return child;
  }

  /**
   * Waits for its end; any number of callers may.
   *
   * @param keep of the first caller; it is for a child of this program
   * @throws {ContainerError} `SystemError` if its supervisor was killed, which alone was told
   */
  async wait(keep?: KeepEnd): Promise<ExitStatus> {
    const status = await this.ended(keep);
    if (status !== undefined) return status;
    throw new ContainerError("SystemError", "the process has ended, but how is not known", {
      hint: "its supervisor, which alone was told, has been killed",
    });
  }

  /** The same, where it does not matter how it ended. */
  ended(keep?: KeepEnd): Promise<ExitStatus | undefined> {
    this.#ending ??= this.#awaitEnd(keep);
    return this.#ending;
  }

  /**
   * Takes its status if it is a child of this program and has ended, and no wait is under way; true
   * if it did.
   */
  takeEnd(): boolean {
    if (this.#keeper !== undefined || this.#ending !== undefined || !this.#pidfd.isOpen) {
      return false;
    }
    const status = this.#reap();
    if (status === undefined) return false;
    this.#pidfd.close();
    this.#ending = Promise.resolve(status);
    return true;
  }

  async #awaitEnd(keep?: KeepEnd): Promise<ExitStatus | undefined> {
    if (this.#keeper !== undefined) {
      const told = await this.#keeper.end;
      if (told === undefined && this.#pidfd.isOpen) await this.#poller.wait(this.#pidfd);
      this.#pidfd.close();
      return told ?? await this.#keeper.status();
    }
    for (;;) {
      const status = keep === undefined ? this.#reap() : this.#reapKept(keep);
      if (status !== undefined) {
        this.#pidfd.close();
        return status;
      }
      await this.#poller.waitForSoon(this.#pidfd); // many programs are short
    }
  }

  #reapKept(keep: KeepEnd): ExitStatus | undefined {
    const status = peekEnd(this.#pidfd);
    if (status === undefined) return undefined;
    try {
      keep(status);
    } finally {
      this.#reap();
    }
    return status;
  }

  #reap(): ExitStatus | undefined {
    const usage = new Uint8Array(RUSAGE_SIZE);
    const status = reap(this.#pidfd, usage);
    if (status !== undefined) this.#usage = usage;
    return status;
  }

  /** What it has used, if its status was taken here. */
  get usage(): ResourceUsage | undefined {
    return this.#usage === undefined ? undefined : decodeUsage(this.#usage);
  }

  /** Sends a signal; false if it has ended. */
  signal(number: number): boolean {
    return this.#pidfd.isOpen && signalPidfd(this.#pidfd, number);
  }

  /**
   * A copy of an fd that it has open.
   *
   * @throws {SyscallError}
   */
  copyFd(number: number): Fd {
    return copyFdOf(this.#pidfd, number);
  }

  /** Kills it and waits for its end. */
  async kill(): Promise<void> {
    this.signal(SIGKILL);
    await this.ended();
  }

  /** Closes the pidfd. */
  [Symbol.dispose](): void {
    if (!this.#pidfd.isOpen) return;
    this.#poller.cancel(this.#pidfd);
    this.#pidfd.close();
  }
}
