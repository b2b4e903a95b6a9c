/**
 * A container's first process as the host sees it, from its birth to its end. first_process.ts sets
 * the results of each step here.
 *
 * @module
 */

import { SIGKILL } from "../../ffi/c/signal_numbers.ts";
import type { Fd } from "../../ffi/files/file.ts";
import type { ExitStatus } from "../../ffi/processes/process.ts";
import type { ResourceUsage } from "../../ffi/processes/resource_usage.ts";
import { pause } from "../../ffi/waiting/abort.ts";
import type { StartWay } from "../../init/start_way.ts";
import type { MemoryNotice } from "../cgroups/manager.ts";
import { ContainerError } from "../errors.ts";
import { finish } from "../failures/undo.ts";
import { withOomKill } from "../process/oom_kill.ts";
import { type Child, type ParentProcess, requireSignal } from "../process/parent_process.ts";
import { closeStreams, type PipeStreams } from "../streams/stdio.ts";
import type { Terminal } from "../streams/terminal.ts";
import type { Supervised, Supervisor } from "../supervisor/supervisor.ts";
import type { PlanTrace } from "../trace/plan_trace.ts";
import type { InitNetwork } from "./init_network.ts";
import { letGoOn } from "../process/control_pipe.ts";
import type { StartSubject } from "./start_subject.ts";

/** For so long the memory of a process is watched for which nobody waits. */
const UNASKED_MS = 100;

/** The ParentProcess of a container's first process. */
export class InitProcess implements ParentProcess, Disposable {
  /** What stays open until init is let go, or has failed. */
  readonly opened = new DisposableStack();
  /** The network that the container gets from outside, if it gets one. */
  network: InitNetwork | undefined;
  /** How it was born; undefined before. */
  way: StartWay | undefined;
  /** The trace of what the child does, if there is one. */
  trace: PlanTrace | undefined;
  /** This program's end of the control pipe. */
  control: Fd | undefined;
  /** This program's ends of the process's pipes. */
  streams: PipeStreams = {};
  /** The process's terminal, if this program has it. */
  terminal: Terminal | undefined;
  /** The process that records how this one ends. */
  supervisor: Supervisor | undefined;
  /** Tells whether the memory ran out, where its cgroup may be gone with it. */
  memory: MemoryNotice | undefined;
  /** Whether this program has seen its end. */
  hasEnded = false;
  readonly #subject: StartSubject;
  #child: Child | undefined;
  #ending: Promise<ExitStatus | undefined> | undefined;
  /** Reaps it if nobody waits for it. */
  #unasked: Disposable | undefined;

  /** Makes nothing yet. */
  constructor(subject: StartSubject) {
    this.#subject = subject;
  }

  get pid(): number {
    return this.child.pid;
  }

  /**
   * What the clone made: init, or a launcher as long as that runs.
   *
   * @throws {ContainerError} `NoProcessOps` before
   */
  get child(): Child {
    if (this.#child !== undefined) return this.#child;
    throw new ContainerError("NoProcessOps", "init was not started");
  }

  /** What it has used, once it has ended. */
  get usage(): ResourceUsage | undefined {
    return this.#child?.usage;
  }

  /** Takes the child that was cloned. */
  isBorn(child: Child): void {
    this.#child = child;
  }

  /** Takes a supervisor and its child. It watches the memory itself. */
  isBornBelow({ supervisor, child }: Supervised): void {
    this.supervisor = supervisor;
    this.#child = child;
    this.memory?.[Symbol.dispose]();
    this.memory = undefined;
  }

  /** Lets init go on to wait for the start; it outlives this program from here on. */
  goOn(): void {
    letGoOn(this.control as Fd);
    this.opened.dispose();
    this.#reapUnasked();
    if (this.memory !== undefined) void this.#watchUnasked(this.memory);
  }

  /** With a container's first process ends all of its pid namespace. */
  killTree(): void {
    this.child.signal(SIGKILL);
  }

  /**
   * Sets the terminal's size.
   *
   * @throws {ContainerError} `NoProcessOps` if the process has no terminal of this program
   */
  resize(columns: number, rows: number): void {
    if (this.terminal === undefined) {
      throw new ContainerError("NoProcessOps", "the process has no terminal");
    }
    this.terminal.resize(columns, rows);
  }

  interruptKey(): number | undefined {
    return this.terminal?.interruptKey();
  }

  /** See `Terminal`. */
  async typeEnd(signal: AbortSignal): Promise<void> {
    await this.terminal?.typeEnd(this.#subject.poller, signal);
  }

  async wait(): Promise<ExitStatus> {
    return await this.ended() ?? await this.child.wait();
  }

  /** Waits for its end; undefined if nobody knows how it ended, since its supervisor was killed. */
  ended(): Promise<ExitStatus | undefined> {
    this.#unasked?.[Symbol.dispose]();
    this.#unasked = undefined;
    // Looked up only once, at the end, since the cgroups are removed with the container.
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<ExitStatus | undefined> {
    this.memory?.begin();
    const status = await this.child.ended();
    this.hasEnded = true;
    return withOomKill(status, this.#subject.cgroups, await this.memory?.end());
  }

  signal(signal: string | number): void {
    const number = requireSignal(signal);
    if (!this.child.signal(number)) {
      throw new ContainerError("ContainerNotRunning", "the process has ended");
    }
  }

  async terminate(): Promise<void> {
    await finish(
      () => this.#child?.kill(),
      () => this.network?.undo(),
      () => this.opened.dispose(),
      () => {
        // The caller never got this program's ends of the pipes, so they are closed here.
        const { streams } = this;
        this.streams = {};
        return closeStreams(streams);
      },
    );
  }

  /** Closes what the birth opened. */
  [Symbol.dispose](): void {
    this.#unasked?.[Symbol.dispose]();
    this.#unasked = undefined;
    this.trace?.[Symbol.dispose]();
    this.opened.dispose();
    this.#child?.[Symbol.dispose]();
    this.supervisor?.[Symbol.dispose]();
    this.memory?.[Symbol.dispose]();
  }

  /** Whoever waits for it does so soon; nobody else is kept from ending. */
  async #watchUnasked(memory: MemoryNotice): Promise<void> {
    memory.begin();
    await pause(UNASKED_MS);
    if (this.#ending === undefined) memory.rest();
  }

  /**
   * Reaps the process if nobody waits for it, so that it does not stay a zombie of this program. It
   * listens for SIGCHLD, since a wait would keep this program from ending.
   */
  #reapUnasked(): void {
    const { poller, isSupervised, bearer } = this.#subject;
    if (isSupervised || poller.isAlone || bearer !== undefined) return;
    const look = () => {
      if (this.#child?.takeEnd() === true) void this.ended();
    };
    Deno.addSignalListener("SIGCHLD", look);
    this.#unasked = { [Symbol.dispose]: () => Deno.removeSignalListener("SIGCHLD", look) };
    look(); // it may have ended already
  }
}
