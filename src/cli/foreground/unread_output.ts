/**
 * Ends a program whose output nobody reads any more. SIGPIPE ends an ordinary program that writes
 * to such a pipe. But the first process of a container only gets EPIPE, and may go on for ever:
 * `hull run web | head -1`.
 *
 * @module
 */

import { pause } from "../../../ffi/waiting/abort.ts";
import { SIGKILL, SIGPIPE } from "../../../ffi/c/signal_numbers.ts";
import { Fd, O_CLOEXEC, O_NONBLOCK, O_RDONLY, open } from "../../../ffi/files/file.ts";
import { S_IFIFO, S_IFMT, statAt } from "../../../ffi/files/file_status.ts";
import { Poller } from "../../../ffi/waiting/poll.ts";
import type { ExitStatus } from "../../../ffi/processes/process.ts";
import type { Process } from "../../process.ts";
import { answerTo, kill, readProc } from "./signal_answer.ts";

/**
 * For how long writers find a pipe without a reader, before hull checks. What ends at such a write,
 * with a code of its own, does it meanwhile.
 */
const PAUSE_MS = 100;

/** Whether a stdout, by its number, is a pipe. */
export function isPiped(stdout: number): boolean {
  try {
    return (statAt(new Fd(stdout), "").mode & S_IFMT) === S_IFIFO;
  } catch {
    return false; // it is closed
  }
}

/** Ends a process that writes to stdout, a pipe, once nobody reads it. */
export class UnreadOutput implements Disposable {
  readonly #poller: Poller;
  readonly #process: Process;
  readonly #stdout: number;
  /** What is waited for; undefined once it is over. */
  #waited: Fd | undefined;
  #hasEnded = false;

  /**
   * Watches for a process that has begun.
   *
   * @param stdout that it has, by its number here
   * @param poller what waits for it
   */
  constructor(process: Process, stdout: number, poller: Poller = new Poller()) {
    this.#poller = poller;
    this.#waited = new Fd(stdout);
    this.#process = process;
    this.#stdout = stdout;
    this.#watch().catch(() => {}); // if it can't be watched, nothing is done
  }

  /** Whether the process was ended for it: it may also have ended by itself right before. */
  hasEnded({ signal }: ExitStatus): boolean {
    return this.#hasEnded && signal === SIGKILL;
  }

  /** Watches no more. */
  [Symbol.dispose](): void {
    const waited = this.#waited;
    this.#waited = undefined;
    if (waited?.isOpen === true) this.#poller.cancel(waited);
  }

  async #watch(): Promise<void> {
    // Waits for EPOLLERR, which is always reported: the last reader has gone. 0 means that the
    // watch has ended.
    if (await this.#poller.wait(new Fd(this.#stdout), 0) === 0) return;
    for (;;) {
      await pause(PAUSE_MS);
      if (this.#waited === undefined || answerTo(SIGPIPE, this.#process.pid) !== "deaf") return;
      if (await this.#isWritten()) return this.#end();
    }
  }

  /**
   * Whether the process writes. To let a write succeed, hull becomes the pipe's reader for one
   * write. If another process of the container wrote, its next write finds a pipe without a reader.
   */
  async #isWritten(): Promise<boolean> {
    using reader = open(`/proc/self/fd/${this.#stdout}`, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    this.#waited = reader;
    const before = this.#written();
    return await this.#poller.wait(reader) !== 0 && this.#written() !== before;
  }

  /** How many bytes the process and the children that it has reaped have written: proc(5), `io`. */
  #written(): string | undefined {
    return /^wchar: (\d+)$/m.exec(readProc(`${this.#process.pid}/io`))?.[1];
  }

  #end(): void {
    if (answerTo(SIGPIPE, this.#process.pid) !== "deaf") return;
    this.#hasEnded = true;
    kill(this.#process);
  }
}
