/**
 * A task: a container with its processes, and what containerd is told of them.
 *
 * @module
 */

import { comesWithin } from "../../../ffi/waiting/abort.ts";
import { SIGKILL } from "../../../ffi/c/signal_numbers.ts";
import type { ProcessConfig } from "../../config/types/config.ts";
import type { Container } from "../../container.ts";
import { ContainerError } from "../../errors.ts";
import { StatusError } from "../../ttrpc/messages.ts";
import type { CallContext } from "../../ttrpc/server.ts";
import { timestampOf } from "../messages/common.ts";
import { STATUS } from "../messages/task.ts";
import { unmountAll } from "../host/rootfs.ts";
import type { StreamNames } from "../streams/targets.ts";
import type { KeptTerminal } from "../streams/task_streams.ts";
import { FurtherProcess } from "./further.ts";
import { endHalfStarted } from "./half_started.ts";
import { Keeping } from "./keeping.ts";
import type { FurtherRecord, GoneRecord, TaskRecord } from "./record.ts";
import { finished, hasEnded, perhapsDone, running } from "./refusals.ts";
import type { TaskHost } from "./task_host.ts";
import { type Exit, TaskProcess, UNKNOWN_STATUS } from "./task_process.ts";

/** How long what was written last may take after the end. */
const DRAIN_MS = 2000;

/** How many of those taken away are remembered. */
const MOST_GONE = 8;

/** What is said of a process that was taken away. */
export type Deleted = Pick<GoneRecord, "pid" | "exit">;

/** A task. */
export class Task {
  /** The container's first process. */
  readonly init: TaskProcess;
  readonly #host: TaskHost;
  readonly #further = new Map<string, FurtherProcess>();
  readonly #oom = new AbortController();
  readonly #keeping: Keeping;
  /** Those taken away last: who asked for that may not have its answer yet. */
  #gone: readonly GoneRecord[];
  #isStarted = false;
  #starting: Promise<void> | undefined;

  /**
   * @param init with its number and its streams
   * @param gone see {@linkcode TaskRecord}
   */
  constructor(
    /** The container itself. */
    readonly container: Container,
    init: TaskProcess,
    host: TaskHost,
    gone: readonly GoneRecord[] = [],
  ) {
    this.#gone = gone;
    this.#keeping = new Keeping(() => this.#write(), host.warn);
    this.init = init;
    this.#host = host;
  }

  /** The folder that containerd made for it. */
  get bundle(): string {
    return this.#host.bundle;
  }

  /** Watches for the end of the first process. */
  watch(ended: Promise<Exit>): void {
    ended.catch((error): Exit => {
      this.#host.warn(error);
      return { status: UNKNOWN_STATUS, atMs: Date.now() };
    }).then((exit) => this.#endInit(exit)).catch(this.#host.warn);
  }

  /** Lets the first process run its program; or starts a further one. Gives its number. */
  async start(execId: string, { signal, isAgain }: CallContext): Promise<number> {
    if (execId !== "") {
      const further = this.#find(execId);
      if (!isAgain) return await this.#startFurther(further, signal);
      if (further.process.pid === 0) {
        endHalfStarted(this.container.processes(), this.#pids(), further.addedMs);
        throw perhapsDone("started the process");
      }
      if (further.process.isRunning) this.#tellStart(further.process); // perhaps a second time
      return further.process.pid;
    }
    if (isAgain && this.#isStarted) return this.init.pid;
    this.init.requireRunning();
    this.#starting = this.container.release({ signal }).then(() => this.noteStart());
    await this.#starting;
    return this.init.pid;
  }

  /** It had ended before this program began. */
  noteEnd({ exit, isTold }: Pick<TaskRecord, "isTold"> & { readonly exit: Exit }): void {
    this.#isStarted = true;
    this.init.end(exit);
    if (isTold === false) this.#tellEnd(this.init, exit);
  }

  /** Tells of the start, and watches for want of memory from then on. */
  noteStart(): void {
    this.#isStarted = true;
    this.#host.publish("/tasks/start", { containerId: this.container.id, pid: this.init.pid });
    this.#keeping.surely();
    this.watchMemory();
  }

  /** Tells each time when the container's memory runs out. */
  watchMemory(): void {
    this.#isStarted = true;
    this.#watchMemory().catch((error) => {
      if (!hasEnded(error)) this.#host.warn(error);
    });
  }

  /**
   * Adds a further process, which is not started yet.
   *
   * @param isAgain another program, which was killed, may have done so
   */
  add(execId: string, names: StreamNames, config: ProcessConfig, isAgain: boolean): void {
    const added = () =>
      this.#host.publish("/tasks/exec-added", { containerId: this.container.id, execId });
    if (isAgain && this.#further.has(execId)) return added();
    if (this.#further.has(execId)) throw new StatusError("AlreadyExists", `id ${execId}`);
    if (this.init.exit !== undefined) {
      throw new StatusError("FailedPrecondition", "cannot exec in a stopped state");
    }
    const process = new TaskProcess(execId, names);
    this.#further.set(execId, new FurtherProcess(process, config, this.#host, Date.now()));
    try {
      this.#keeping.now();
    } catch (error) {
      this.#further.delete(execId);
      throw error;
    }
    added();
  }

  /** Goes on with a further process of a program that has been killed. */
  restore(record: FurtherRecord, master?: KeptTerminal): void {
    const onEnd = (exit: Exit) => this.#endFurther(further.process, exit);
    const further = FurtherProcess.restore(record, this.#host, master, onEnd);
    this.#further.set(record.execId, further);
    if (record.exit !== undefined && record.isTold === false) {
      this.#tellEnd(further.process, record.exit);
    }
  }

  /** A process by the name of a further one, or the first one. */
  process(execId: string): TaskProcess {
    return execId === "" ? this.init : this.#find(execId).process;
  }

  /** The further processes that run, by their numbers. */
  running(): Map<number, string> {
    const running = [...this.#further.values()].filter(({ process }) => process.isRunning);
    return new Map(running.map(({ process }) => [process.pid, process.execId]));
  }

  /** Where a process is in its life. */
  async status(process: TaskProcess): Promise<number> {
    if (process.exit !== undefined) return STATUS.stopped;
    if (process !== this.init) return process.pid === 0 ? STATUS.created : STATUS.running;
    const status = this.container.status();
    if (status !== "stopped") return STATUS[status as "created" | "running" | "paused"];
    await process.ended; // which is about to be known
    return STATUS.stopped;
  }

  /** Sends a signal. */
  kill(execId: string, signal: number, all: boolean): void {
    if (execId !== "") return this.#find(execId).signal(signal);
    this.init.requireRunning();
    try {
      this.container.signal(signal, { all });
    } catch (error) {
      throw hasEnded(error) ? finished() : error;
    }
  }

  /** Stops all its processes where they are. */
  async pause(signal: AbortSignal): Promise<void> {
    await this.container.pause({ signal });
    this.#host.publish("/tasks/paused", { containerId: this.container.id });
  }

  /** Lets them go on. */
  async resume({ signal, isAgain }: CallContext): Promise<void> {
    const isDone = isAgain && this.container.status() === "running";
    if (!isDone) await this.container.resume({ signal });
    this.#host.publish("/tasks/resumed", { containerId: this.container.id });
  }

  /**
   * Takes away a further process that does not run; gives how it ended.
   *
   * @param isAgain another program, which was killed, may have done so
   * @throws {StatusError} `FailedPrecondition` if it runs
   */
  async deleteFurther(execId: string, isAgain: boolean): Promise<Deleted> {
    const gone = this.#gone.find((gone) => gone.execId === execId);
    if (isAgain && gone !== undefined && !this.#further.has(execId)) return gone;
    const { process } = this.#find(execId);
    if (process.isRunning) throw running();
    await drained(process);
    const { pid, exit } = process;
    this.#further.delete(execId);
    this.#gone = [...this.#gone.slice(1 - MOST_GONE), { execId, pid, exit }];
    this.#keeping.surely();
    return process;
  }

  /**
   * Takes away the container; gives how its first process ended.
   *
   * @throws {StatusError} `FailedPrecondition` if it runs
   */
  async delete(): Promise<TaskProcess> {
    const process = this.init;
    if (process.isRunning && await this.status(process) !== STATUS.created) throw running();
    await this.destroy();
    return process;
  }

  /** Ends and removes the container, whatever its state. */
  async destroy(): Promise<void> {
    this.#oom.abort();
    await drained(this.init);
    for (const { process } of this.#further.values()) await drained(process);
    try {
      await this.container.destroy({ force: true });
    } catch (error) {
      if (!hasEnded(error)) throw error;
    }
    if (this.init.isRunning) await this.init.ended;
    unmountAll(`${this.#host.bundle}/rootfs`);
  }

  /** It is taken away: nothing is kept of it any more, since its name may be another's. */
  forget(): void {
    this.#keeping.end();
  }

  #write(): void {
    const further = [...this.#further.values()].map(({ record }) => record);
    this.#host.keep({
      isStarted: this.#isStarted,
      exit: this.init.exit,
      further,
      gone: this.#gone,
    });
  }

  #find(execId: string): FurtherProcess {
    const found = this.#further.get(execId);
    if (found !== undefined) return found;
    throw new StatusError("NotFound", `process does not exist ${execId}`);
  }

  async #startFurther(further: FurtherProcess, signal: AbortSignal): Promise<number> {
    this.init.requireRunning();
    const { process } = further;
    await further.start(this.container, signal);
    try {
      this.#keeping.now();
      this.#tellStart(process);
    } catch (error) {
      further.signal(SIGKILL); // the client is told that it does not run
      throw error;
    } finally {
      further.watch((exit) => this.#endFurther(process, exit));
    }
    return process.pid;
  }

  #tellStart({ execId, pid }: TaskProcess): void {
    this.#host.publish("/tasks/exec-started", { containerId: this.container.id, execId, pid });
  }

  /** The numbers of all processes that it knows. */
  #pids(): Set<number> {
    return new Set([this.init, ...[...this.#further.values()].map(({ process }) => process)]
      .map(({ pid }) => pid));
  }

  /** Told first: an end that is kept is not told again, one that is not kept comes once more. */
  #endFurther(process: TaskProcess, exit: Exit): void {
    this.#end(process, exit);
    this.#keeping.surely();
  }

  /** Ends come in their order: that of the first process is told last. */
  async #endInit(exit: Exit): Promise<void> {
    await this.#starting?.catch(() => {}); // the caller is told
    const running = [...this.#further.values()].filter(({ process }) => process.isRunning);
    if (running.length > 0) {
      this.#killRest();
      await Promise.all(running.map(({ process }) => process.ended));
    }
    this.#end(this.init, exit);
    this.#keeping.surely();
    this.#oom.abort();
  }

  /** Further processes outlive the first one where they don't share a pid namespace of their own. */
  #killRest(): void {
    try {
      this.container.signal("KILL", { all: true });
    } catch (error) {
      if (!(error instanceof ContainerError)) throw error; // they have ended
    }
  }

  #end(process: TaskProcess, exit: Exit): void {
    process.end(exit);
    process.streams?.end().catch(this.#host.warn);
    this.#tellEnd(process, exit);
  }

  #tellEnd(process: TaskProcess, exit: Exit): void {
    this.#host.publish("/tasks/exit", {
      containerId: this.container.id,
      id: process.execId === "" ? this.container.id : process.execId,
      pid: process.pid,
      exitStatus: exit.status,
      exitedAt: timestampOf(exit.atMs),
    });
  }

  async #watchMemory(): Promise<void> {
    for await (const _ of this.container.notifyOOM({ signal: this.#oom.signal })) {
      this.#host.publish("/tasks/oom", { containerId: this.container.id });
    }
  }
}

/** Closes the streams, once they have run dry or some time has passed. */
async function drained({ streams }: TaskProcess): Promise<void> {
  if (streams === undefined) return;
  await comesWithin(streams.end(), DRAIN_MS);
  await streams[Symbol.asyncDispose]();
}
