/**
 * A program that runs, with all that is to end it and to come of it: it is given its input, its
 * output is taken, and it is ended at a deadline, at an abort, or when it writes too much.
 *
 * @module
 */

import type { ExitStatus } from "../../ffi/processes/process.ts";
import { Pipe } from "../../ffi/files/pipe.ts";
import { onAbort } from "../../ffi/waiting/abort.ts";
import type { Poller } from "../../ffi/waiting/poll.ts";
import { timerMs } from "../../ffi/waiting/timers.ts";
import type { Process } from "../process.ts";
import { feed, type Input } from "../streams/input.ts";
import type { Stdio } from "../streams/stdio.ts";
import { TakenOutput } from "../streams/taken_output.ts";

/** The pipes of a program, on their way to it. */
export class OutputPipes implements Disposable {
  readonly input: Pipe | undefined;
  readonly stdout: Pipe;
  readonly stderr: Pipe;
  readonly #stack: DisposableStack;

  /**
   * Makes them.
   *
   * @throws {SyscallError}
   */
  constructor(hasInput: boolean) {
    using stack = new DisposableStack();
    this.input = hasInput ? stack.use(new Pipe()) : undefined;
    this.stdout = stack.use(new Pipe());
    this.stderr = stack.use(new Pipe());
    this.#stack = stack.move();
  }

  /** What the process is made with. */
  get stdio(): { readonly stdin: Stdio; readonly stdout: Stdio; readonly stderr: Stdio } {
    const stdin = this.input?.reader.number ?? "null";
    return { stdin, stdout: this.stdout.writer.number, stderr: this.stderr.writer.number };
  }

  /** For a program that has them: closes its ends here; the other ends belong to the caller. */
  give(): void {
    this.#stack.move();
    this.input?.reader.close();
    this.stdout.writer.close();
    this.stderr.writer.close();
  }

  [Symbol.dispose](): void {
    this.#stack.dispose();
  }
}

/** When a program is ended. */
export interface Ends {
  readonly deadlineMs: number | undefined;
  /** In bytes, of each of its outputs. */
  readonly outputLimit: number;
  readonly signal: AbortSignal | undefined;
}

/** A program that runs. */
export class Attendance implements Disposable {
  readonly stdout: TakenOutput;
  readonly stderr: TakenOutput;
  readonly #process: Process;
  readonly #fed: Promise<void>;
  readonly #unread = new AbortController();
  readonly #stack = new DisposableStack();
  #hasEnded = false;
  #isCut = false;
  #isLate = false;
  #failure: { readonly error: unknown } | undefined;

  /**
   * Begins.
   *
   * @param process which has started
   */
  constructor(
    process: Process,
    pipes: OutputPipes,
    input: Input | undefined,
    poller: Poller,
    { deadlineMs, outputLimit, signal }: Ends,
  ) {
    this.#process = process;
    pipes.give();
    const cut = () => this.#cut();
    this.stdout = new TakenOutput(pipes.stdout.reader, poller, outputLimit, cut);
    this.stderr = new TakenOutput(pipes.stderr.reader, poller, outputLimit, cut);
    this.#fed = input === undefined || pipes.input === undefined
      ? Promise.resolve()
      : feed(input, pipes.input.writer, poller.endless, this.#unread.signal, (error) => {
        this.#failure ??= { error };
        cut();
      });
    this.#stack.use(onAbort(signal, cut));
    if (deadlineMs === undefined) return;
    const timer = setTimeout(() => {
      this.#isLate = true;
      cut();
    }, timerMs(deadlineMs));
    this.#stack.defer(() => clearTimeout(timer));
  }

  /** Whether the deadline came before the program, or the last of its output. */
  get isLate(): boolean {
    return this.#isLate;
  }

  /** Waits for the program's end. */
  async ended(): Promise<ExitStatus> {
    const status = await this.#process.wait();
    this.#hasEnded = true;
    this.#unread.abort(); // nobody reads its input any more
    if (this.#isCut) this.#giveUp();
    return status;
  }

  /**
   * Waits until all of its output was taken. Whoever has its pipes still may go on with them until
   * the deadline.
   *
   * @throws what a stream of its input failed with
   */
  async taken(): Promise<void> {
    await Promise.all([this.stdout.done, this.stderr.done, this.#fed]);
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Waits for nothing any more. */
  [Symbol.dispose](): void {
    this.#stack.dispose();
    this.#unread.abort();
    this.#giveUp();
  }

  /** Ends the program; what it has written already is still taken. */
  #cut(): void {
    this.#isCut = true;
    if (this.#hasEnded) this.#giveUp();
    else this.#process.killTree();
  }

  #giveUp(): void {
    this.stdout.stop();
    this.stderr.stop();
  }
}
