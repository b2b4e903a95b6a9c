/**
 * Reads from the status fifo what init says while a container is born and started.
 *
 * @module
 */

import { syscallFailure } from "../failures/syscall_failure.ts";
import {
  AT_FDCWD,
  type Fd,
  O_NONBLOCK,
  O_RDONLY,
  O_WRONLY,
  open,
  read,
  writeAll,
} from "../../ffi/files/file.ts";
import { mknodAt, unlinkAt } from "../../ffi/files/entries.ts";
import { S_IFIFO, S_IFMT, tryStatPath } from "../../ffi/files/file_status.ts";
import { failedWith } from "../../ffi/c/errno.ts";
import type { Poller } from "../../ffi/waiting/poll.ts";
import { type ExitStatus, openPidfd } from "../../ffi/processes/process.ts";
import { signalName } from "../../ffi/processes/signals.ts";
import {
  type InitMessage,
  type KnownOperations,
  type ReportedOperation,
  StatusReader,
} from "../../init/words/channel.ts";
import { ContainerError } from "../errors.ts";
import { outOfMemory } from "./oom_kill.ts";
import { Child, type StatusKeeper } from "./parent_process.ts";

/** The fifo on which init waits for the start. */
export const START_FIFO = "exec.fifo";
/** The fifo on which init says that it is ready, or what went wrong. */
export const STATUS_FIFO = "status.fifo";

/** More than a message of init's; a report takes several reads. */
const CHUNK = 4096;

/** The messages of an init, one after another. */
export class InitStatus {
  readonly #fd: Fd;
  readonly #poller: Poller;
  readonly #endless: Poller;
  readonly #keeper: StatusKeeper | undefined;
  readonly #reader = new StatusReader();

  /**
   * Reads from `fd`, which is non-blocking and stays the caller's.
   *
   * @param keeper who is told of init's end, if init is not a child of this program
   */
  constructor(fd: Fd, poller: Poller, keeper?: StatusKeeper) {
    this.#fd = fd;
    this.#poller = poller;
    this.#endless = poller.endless;
    this.#keeper = keeper;
  }

  /** Takes a program's first operations, by default all: its report need not list them then. */
  know(operations: readonly ReportedOperation[], count?: number): KnownOperations {
    return this.#reader.know(operations, count);
  }

  /** Waits for the end of a process that a launcher made; a supervisor may have done so before. */
  async reap(pid: number): Promise<void> {
    try {
      using child = new Child(pid, openPidfd(pid), this.#poller, this.#keeper);
      await child.ended();
    } catch (error) {
      if (!failedWith(error, "ESRCH")) throw error;
    }
  }

  /** The message that is there already. */
  poll(): InitMessage | undefined {
    for (;;) {
      const message = this.#reader.next();
      if (message !== undefined) return message;
      const chunk = read(this.#fd, CHUNK);
      if (chunk === undefined || chunk.length === 0) return undefined;
      this.#reader.push(chunk);
    }
  }

  /**
   * The next message; undefined once init has closed its end, by execve or by its death.
   *
   * @throws the reason of the poller's abort
   */
  next(): Promise<InitMessage | undefined> {
    return this.#next(this.#poller);
  }

  /** The messages up to the end, whatever is aborted. */
  async *rest(): AsyncGenerator<InitMessage, void, void> {
    for (;;) {
      const message = await this.#next(this.#endless);
      if (message === undefined) return;
      yield message;
    }
  }

  async #next(poller: Poller): Promise<InitMessage | undefined> {
    for (;;) {
      const message = this.#reader.next();
      if (message !== undefined) return message;
      const chunk = read(this.#fd, CHUNK);
      if (chunk === undefined) await poller.waitForSoon(this.#fd);
      else if (chunk.length === 0) return undefined;
      else this.#reader.push(chunk);
    }
  }
}

/**
 * The error for an init that ended without a message; below a supervisor nobody may know how.
 */
export function silentEnd({ code, signal, oomKilled }: Partial<ExitStatus>): ContainerError {
  if (oomKilled === true) return outOfMemory("init");
  const isKilled = signal !== undefined || code === undefined;
  const how = signal !== undefined ? signalName(signal) : `exit code ${code ?? "unknown"}`;
  return new ContainerError("InitFailed", `init ended before the container was ready: ${how}`, {
    hint: isKilled
      ? "somebody killed it, or the memory of the host ran out"
      : "what init printed, if it did, may say why",
  });
}

/**
 * Lets the program of a waiting container run, and makes sure that it does: the fifo's other end
 * closes at execve. The caller holds the container's lock; otherwise two starts could both open the
 * fifo.
 *
 * @throws {ContainerError} why the program can't run, or `ContainerNotRunning` if init is gone
 * @throws the reason of the poller's abort; the program may run then
 */
export async function releaseStart(folder: string, poller: Poller): Promise<void> {
  using status = open(`${folder}/${STATUS_FIFO}`, O_RDONLY | O_NONBLOCK);
  let message: InitMessage | undefined;
  try {
    knock(`${folder}/${START_FIFO}`);
    message = await new InitStatus(status, poller).next();
  } finally {
    removeFifos(folder); // whatever comes of it, the start was given
  }
  if (message?.kind === "error") throw message.error;
}

function knock(path: string): void {
  try {
    using fifo = open(path, O_WRONLY | O_NONBLOCK);
    writeAll(fifo, new Uint8Array([1]));
  } catch (error) {
    if (!failedWith(error, "ENXIO", "EPIPE")) throw error;
    throw syscallFailure(error, "ContainerNotRunning", "the container's init has ended", {
      path,
      hint: "delete the container and create it again",
    });
  }
}

/** Whether init waits for the start: the fifos go with it, or with the whole container. */
export function isWaiting(folder: string): boolean {
  const status = tryStatPath(`${folder}/${START_FIFO}`, false);
  return typeof status !== "number" && (status.mode & S_IFMT) === S_IFIFO;
}

/** Makes the fifos through which another hull starts the container and hears of its start. */
export function makeFifos(folder: string): void {
  for (const name of [START_FIFO, STATUS_FIFO]) {
    mknodAt(AT_FDCWD, `${folder}/${name}`, S_IFIFO | 0o600);
  }
}

/** Removes the fifos, once the container runs or its creation has failed. */
export function removeFifos(folder: string): void {
  for (const name of [START_FIFO, STATUS_FIFO]) {
    try {
      unlinkAt(AT_FDCWD, `${folder}/${name}`);
    } catch (error) {
      if (!failedWith(error, "ENOENT")) throw error;
    }
  }
}
