/**
 * A further process: one that joins the namespaces of a running container, or, for a hook, stays in
 * this program's. It needs no init of its own.
 *
 * @module
 */

import type { Fd } from "../../ffi/files/file.ts";
import { Pipe, setNonBlocking } from "../../ffi/files/pipe.ts";
import type { Poller } from "../../ffi/waiting/poll.ts";
import {
  CLONE_ARGS_SIZE,
  CLONE_CLEAR_SIGHAND,
  CLONE_PARENT_SETTID,
  CLONE_PIDFD,
  CLONE_VFORK,
  CLONE_VM,
  cloneArguments,
} from "../../ffi/processes/namespaces.ts";
import type { ExitStatus } from "../../ffi/processes/process.ts";
import type { ResourceUsage } from "../../ffi/processes/resource_usage.ts";
import { signalName } from "../../ffi/processes/signals.ts";
import {
  type PlanItem,
  type PlannedOperation,
  StepBuilder,
} from "../../init/operations/operation.ts";
import type { InitMessage } from "../../init/words/channel.ts";
import { PIDFD } from "../process/placed_fds.ts";
import type { Bearer, OtherParent } from "../process/bearer.ts";
import { ContainerError } from "../errors.ts";
import { killTree } from "./descendants.ts";
import { letGoOn } from "../process/control_pipe.ts";
import { InitStatus } from "../process/init_status.ts";
import { firstFree, type JoinOptions, planJoin, renumbered } from "./join.ts";
import { outOfMemory } from "../process/oom_kill.ts";
import { makeChild } from "../process/make_child.ts";
import {
  type Child,
  type KeepEnd,
  type ParentProcess,
  requireSignal,
} from "../process/parent_process.ts";
import { closeStreams, type PipeStreams, ProcessFds, type StdioOptions } from "../streams/stdio.ts";
import type { Terminal } from "../streams/terminal.ts";
import { Usher, type UsherMemory } from "./usher.ts";
import type { UsherTrace } from "./usher_trace.ts";

/** What a further process is made of. */
export interface SetnsProcessOptions
  extends Omit<JoinOptions, "fds" | "preserveFds" | "report" | "hold"> {
  readonly stdio: StdioOptions;
  /** Whether its status is for another program: see {@linkcode ProcessOptions.leaveStatus}. */
  readonly leaveStatus?: boolean | undefined;
  /** The process's terminal, if its streams are one. */
  readonly terminal?: Terminal | undefined;
  /**
   * The operations before a wait for this program, such as loading a filter with a listener;
   * undefined: it does not wait.
   */
  readonly beforeWait?: readonly PlanItem[] | undefined;
  /** The trace of what a process that joins does up to its program. */
  readonly trace?: UsherTrace | undefined;
  /** What is kept of its usher, for one that does not wait for this program. */
  readonly memory?: UsherMemory | undefined;
  readonly poller: Poller;
  /** The process that bears it, if this program does not. */
  readonly bearer?: Bearer | undefined;
  /** Adds what is known of the end of a process whose program never ran, beside its status. */
  readonly inspectEnd?: ((status: ExitStatus) => ExitStatus) | undefined;
}

/** A process that waits for this program. */
export interface WaitingProcess {
  readonly child: Child;
  /** The number of the fd that the operations before the wait opened, if they opened one. */
  readonly opened: number;
}

/** What this program and a process that waits tell each other by. */
interface Words {
  readonly status: InitStatus;
  readonly control: Fd;
  /** Closes both. */
  readonly pipes: DisposableStack;
}

/** The ParentProcess of a process that joins. */
export class SetnsProcess implements ParentProcess, Disposable {
  readonly #options: SetnsProcessOptions;
  #usher: Usher | undefined;
  #child: Child | undefined;
  #words: Words | undefined;
  #streams: PipeStreams = {};

  /** Prepares it; nothing happens before `start`. */
  constructor(options: SetnsProcessOptions) {
    this.#options = options;
  }

  get pid(): number {
    return this.#started().pid;
  }

  /** What it has used, once it has ended. */
  get usage(): ResourceUsage | undefined {
    return this.#child?.usage;
  }

  /** This program's ends of the process's pipes. */
  get streams(): PipeStreams {
    return this.#streams;
  }

  /**
   * Makes the process. If it does not wait for this program, its own program runs when this returns.
   *
   * @returns the process if it waits: {@linkcode SetnsProcess.goOn} lets it go on
   * @throws {ContainerError} `InitFailed` with the step, system call and errno
   */
  async start(): Promise<WaitingProcess | undefined> {
    const { poller, beforeWait, leaveStatus = false } = this.#options;
    using pipes = new DisposableStack();
    const report = pipes.use(new Pipe());
    const control = beforeWait === undefined ? undefined : pipes.use(new Pipe());
    setNonBlocking(report.reader);
    const status = new InitStatus(report.reader, poller);
    const opened = await this.#clone(report.writer, control?.reader, status);
    report.writer.close();
    control?.reader.close();
    const message = await status.next();
    const child = this.#child ??= await this.#awaitUsher();
    if (child === undefined) {
      throw message?.kind === "error" ? message.error : this.#silentEnd(await this.#usherEnd());
    }
    // A pid namespace only ends when all its processes are reaped, so the process is reaped even if
    // the caller never asks for its status. Errors are left to the caller's own wait.
    if (!leaveStatus) child.wait().catch(() => {});
    if (control === undefined || message?.kind === "error") {
      await throwReported(message, child);
      return undefined;
    }
    if (message === undefined) throw this.#silentEnd(await child.wait());
    this.#words = { status, control: control.writer, pipes: pipes.move() };
    return { child, opened };
  }

  /**
   * Lets it go on if it waits; its program runs when this returns.
   *
   * @throws {ContainerError} `InitFailed` with the step, system call and errno
   */
  async goOn(): Promise<void> {
    if (this.#words === undefined) return;
    const { status, control, pipes } = this.#words;
    using _closed = pipes;
    letGoOn(control);
    await throwReported(await status.next(), this.#started());
  }

  wait(keep?: KeepEnd): Promise<ExitStatus> {
    return this.#started().wait(keep);
  }

  signal(signal: string | number): void {
    const number = requireSignal(signal);
    if (!this.#started().signal(number)) {
      throw new ContainerError("ContainerNotRunning", "the process has ended");
    }
  }

  killTree(): void {
    killTree(this.#started());
  }

  resize(columns: number, rows: number): void {
    const { terminal } = this.#options;
    if (terminal === undefined) {
      throw new ContainerError("NoProcessOps", "the process has no terminal");
    }
    terminal.resize(columns, rows);
  }

  interruptKey(): number | undefined {
    return this.#options.terminal?.interruptKey();
  }

  /** See `Terminal`. */
  async typeEnd(signal: AbortSignal): Promise<void> {
    await this.#options.terminal?.typeEnd(this.#options.poller, signal);
  }

  async terminate(): Promise<void> {
    if (this.#child === undefined) {
      await this.#usher?.kill();
      this.#child = await this.#usher?.process();
    }
    if (this.#child !== undefined) killTree(this.#child);
    await this.#child?.kill();
    const streams = this.#streams;
    this.#streams = {};
    await closeStreams(streams);
  }

  /** Closes what the start opened. */
  [Symbol.dispose](): void {
    this.#child?.[Symbol.dispose]();
    this.#usher?.[Symbol.dispose]();
    this.#words?.pipes.dispose();
  }

  /** Gives the number of the first fd that the process opens while it is held. */
  async #clone(report: Fd, control: Fd | undefined, status: InitStatus): Promise<number> {
    const { stdio, beforeWait, trace, memory, poller, bearer } = this.#options;
    const preserveFds = Math.max(stdio.preserveFds ?? 0, stdio.extraFiles?.length ?? 0);
    using fds = new ProcessFds(stdio, 3 + preserveFds);
    const placed = [...fds.passed];
    // These fds are moved above all that are put in place, and stay there.
    const last = fds.pass(report, 3 + preserveFds);
    const word = control === undefined ? undefined : fds.pass(control, 3 + preserveFds);
    const options: JoinOptions = {
      ...this.#options,
      fds: placed,
      preserveFds,
      report: last,
      hold: beforeWait === undefined || word === undefined
        ? undefined
        : { control: word, before: beforeWait },
    };
    const { target } = options;
    if (target === undefined) {
      this.#child = bearer === undefined
        ? makeChild(withClone(planJoin(options)), last, status, poller)
        : await bearer.bear({
          above: 3 + preserveFds,
          plan: (there, parent) => withClone(planJoin(renumbered(options, there)), parent),
          report: last,
          said: status,
        });
    } else {
      const parts = { said: status, poller, bearer, trace, memory };
      this.#usher = await Usher.start({ ...options, target }, parts);
      trace?.follow(this.#usher.pid);
    }
    this.#streams = fds.streams(poller);
    return firstFree(options);
  }

  /** The process that the usher has become, or has made. */
  async #awaitUsher(): Promise<Child | undefined> {
    const child = await this.#usher?.process();
    const pids = [this.#usher?.pid, child?.pid].filter((pid) => pid !== undefined);
    this.#options.trace?.follow(...new Set(pids));
    return child;
  }

  async #usherEnd(): Promise<ExitStatus> {
    return await this.#usher?.kill() ?? { code: 1, signal: undefined };
  }

  #silentEnd(status: ExitStatus): ContainerError {
    const { code, signal, oomKilled } = this.#options.inspectEnd?.(status) ?? status;
    if (oomKilled === true) return outOfMemory("the process");
    const how = signal === undefined ? `exit code ${code}` : signalName(signal);
    return new ContainerError("InitFailed", `the process ended before its program ran: ${how}`);
  }

  #started(): Child {
    if (this.#child !== undefined) return this.#child;
    throw new ContainerError("NoProcessOps", "the process was not started");
  }
}

/** Throws what a process has reported, once it has ended. */
async function throwReported(message: InitMessage | undefined, child: Child): Promise<void> {
  if (message?.kind !== "error") return;
  await child.ended();
  throw message.error;
}

/**
 * The plan behind its clone. Only a process that stays in this program's namespaces may share its
 * memory until execve.
 */
function withClone(
  plan: readonly PlannedOperation[],
  parent?: OtherParent,
): readonly PlannedOperation[] {
  const step = new StepBuilder("join");
  const told = parent === undefined ? CLONE_PIDFD : CLONE_PARENT_SETTID;
  const flags = BigInt(CLONE_VM | CLONE_VFORK | told) | CLONE_CLEAR_SIGHAND;
  const handle = parent === undefined ? { pidfd: PIDFD } : { pid: parent.pid };
  step.because("make the child")
    .call("clone3", [cloneArguments(flags, handle), CLONE_ARGS_SIZE], {
      onError: parent?.failed === undefined ? "return" : { jump: parent.failed },
      onPositive: parent === undefined ? "return" : { jump: parent.label },
    });
  return [...step.items as PlannedOperation[], ...plan];
}
