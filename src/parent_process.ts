/**
 * The host's side of a process that is being born, and then lives.
 *
 * @module
 */

import { SyscallError } from "../ffi/errno.ts";
import type { Fd } from "../ffi/file.ts";
import { type NamespaceName, openNamespace } from "../ffi/namespaces.ts";
import type { Poller } from "../ffi/poll.ts";
import { copyFdOf, type ExitStatus, reap, signalPidfd } from "../ffi/process.ts";
import { signalNumber } from "../ffi/signals.ts";
import { ContainerError } from "./errors.ts";

/**
 * A process of a container as its parent sees it. Two kinds: InitProcess is a container's first,
 * SetnsProcess a further one.
 */
export interface ParentProcess {
  /** The process's number on the host. */
  readonly pid: number;
  /** Starts it; it is ready for the user's program then. */
  start(): Promise<void>;
  /** Waits for its end and takes its status. */
  wait(): Promise<ExitStatus>;
  /** Sends a signal. */
  signal(signal: string | number): void;
  /** Sets the size of its terminal. */
  resize(columns: number, rows: number): void;
  /** Kills it and takes its status: what a failed birth ends with. */
  terminate(): Promise<void>;
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

const SIGKILL = 9;

/** A child by its pidfd: its status is taken once and then remembered. */
export class Child implements Disposable {
  readonly pid: number;
  readonly #pidfd: Fd;
  readonly #poller: Poller;
  #status: ExitStatus | undefined;
  #waiting: Promise<ExitStatus> | undefined;

  /** Takes over the pidfd. */
  constructor(pid: number, pidfd: Fd, poller: Poller) {
    this.pid = pid;
    this.#pidfd = pidfd;
    this.#poller = poller;
  }

  /** Its status if it has ended, without waiting. */
  poll(): ExitStatus | undefined {
    if (this.#status !== undefined) return this.#status;
    this.#status = reap(this.#pidfd);
    if (this.#status !== undefined) this.#pidfd.close();
    return this.#status;
  }

  /** Waits for its end; any number of callers may. */
  wait(): Promise<ExitStatus> {
    this.#waiting ??= this.#wait();
    return this.#waiting;
  }

  async #wait(): Promise<ExitStatus> {
    for (;;) {
      const status = this.poll();
      if (status !== undefined) return status;
      await this.#poller.wait(this.#pidfd);
    }
  }

  /** Sends a signal; false if it has ended. */
  signal(number: number): boolean {
    return this.#status === undefined && signalPidfd(this.#pidfd, number);
  }

  /**
   * A copy of an fd that it has open.
   *
   * @throws {SyscallError}
   */
  copyFd(number: number): Fd {
    return copyFdOf(this.#pidfd, number);
  }

  /**
   * Opens a namespace that it is in; undefined if it has ended.
   *
   * @throws {SyscallError}
   */
  namespace(name: NamespaceName): Fd | undefined {
    try {
      return openNamespace(this.pid, this.#pidfd, name);
    } catch (error) {
      if (error instanceof SyscallError && ["ENOENT", "ESRCH"].includes(error.code)) {
        return undefined;
      }
      throw error;
    }
  }

  /** Kills it and waits for its end. */
  async kill(): Promise<void> {
    this.signal(SIGKILL);
    await this.wait();
  }

  /** Closes the pidfd. */
  [Symbol.dispose](): void {
    if (!this.#pidfd.isOpen) return;
    this.#poller.cancel(this.#pidfd);
    this.#pidfd.close();
  }
}
