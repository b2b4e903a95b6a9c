/**
 * A further process: one that joins the namespaces of a running container, or, for a hook, stays in
 * this program's. It needs no init of its own.
 *
 * @module
 */

import { Fd } from "../ffi/file.ts";
import { Pipe, setNonBlocking } from "../ffi/pipe.ts";
import type { Poller } from "../ffi/poll.ts";
import type { ExitStatus } from "../ffi/process.ts";
import { SyscallProgram } from "../ffi/program.ts";
import { reportTail } from "../init/channel.ts";
import { initFailure } from "../init/failure.ts";
import type { PlannedOperation } from "../init/operation.ts";
import { PIDFD } from "./birth.ts";
import { ContainerError } from "./errors.ts";
import { InitStatus } from "./init_status.ts";
import { BACK, CLONE, type JoinOptions, planJoin } from "./join.ts";
import { Child, type ParentProcess, requireSignal } from "./parent_process.ts";
import { type PipeStreams, ProcessFds, type StdioOptions } from "./stdio.ts";
import type { Terminal } from "./terminal.ts";

/** What a further process is made of. */
export interface SetnsProcessOptions extends Omit<JoinOptions, "fds" | "preserveFds" | "report"> {
  readonly stdio: StdioOptions;
  /** The process's terminal, if its streams are one. */
  readonly terminal?: Terminal | undefined;
  readonly poller: Poller;
}

/** The ParentProcess of a process that joins. */
export class SetnsProcess implements ParentProcess, Disposable {
  readonly #options: SetnsProcessOptions;
  #child: Child | undefined;
  #streams: PipeStreams = {};

  /** Prepares it; nothing happens before `start`. */
  constructor(options: SetnsProcessOptions) {
    this.#options = options;
  }

  get pid(): number {
    return this.#started().pid;
  }

  /** This program's ends of the process's pipes. */
  get streams(): PipeStreams {
    return this.#streams;
  }

  /**
   * Makes the process; its program runs when this returns.
   *
   * @throws {ContainerError} `InitFailed` with the step, system call and errno
   */
  async start(): Promise<void> {
    const { poller } = this.#options;
    using report = new Pipe();
    this.#clone(report.writer);
    report.writer.close();
    setNonBlocking(report.reader);
    const message = await new InitStatus(report.reader, poller).next();
    // The kernel ends no pid namespace before all of it is reaped: not even by a caller who doesn't
    // ask for the status. What this meets, a caller's own wait tells.
    const ended = this.wait().catch(() => {});
    if (message?.kind !== "error") return;
    await ended;
    throw message.error;
  }

  wait(): Promise<ExitStatus> {
    return this.#started().wait();
  }

  signal(signal: string | number): void {
    const number = requireSignal(signal);
    if (!this.#started().signal(number)) {
      throw new ContainerError("ContainerNotRunning", "the process has ended");
    }
  }

  resize(columns: number, rows: number): void {
    const { terminal } = this.#options;
    if (terminal === undefined) {
      throw new ContainerError("NoProcessOps", "the process has no terminal");
    }
    terminal.resize(columns, rows);
  }

  async terminate(): Promise<void> {
    await this.#child?.kill();
  }

  /** Closes what the start opened. */
  [Symbol.dispose](): void {
    this.#child?.[Symbol.dispose]();
  }

  #clone(report: Fd): void {
    const { stdio, poller } = this.#options;
    const preserveFds = Math.max(stdio.preserveFds ?? 0, stdio.extraFiles?.length ?? 0);
    using fds = new ProcessFds(stdio, 3 + preserveFds);
    const last = fds.pass(report, 3 + preserveFds); // moves it above all that is put in place
    const operations = planJoin({
      ...this.#options,
      fds: fds.passed.filter(({ fd }) => fd !== last).map(({ fd, as }) => ({ fd: fd.number, as })),
      preserveFds,
      report: last.number,
    });
    this.#child = spawn(operations, last.number, poller);
    this.#streams = fds.streams(poller);
  }

  #started(): Child {
    if (this.#child !== undefined) return this.#child;
    throw new ContainerError("NoProcessOps", "the process was not started");
  }
}

function spawn(operations: readonly PlannedOperation[], report: number, poller: Poller): Child {
  const program = new SyscallProgram(operations, reportTail(report, operations));
  program.run();
  for (const [index, operation] of operations.entries()) {
    // What fails before the clone, the clone itself and the way back are this program's own.
    const isOwn = index <= operations.findIndex(({ label }) => label === CLONE);
    if (!isOwn && operation.label !== BACK) continue;
    const result = program.result(index);
    if (result < 0) throw initFailure(operation, -result);
  }
  const pidfd = program.output(PIDFD);
  const number = new DataView(pidfd.buffer, pidfd.byteOffset).getInt32(0, true);
  return new Child(program.result(CLONE), new Fd(number), poller);
}
