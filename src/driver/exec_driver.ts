/**
 * The object by which a daemon runs programs in containers. It makes the Process, connects its
 * streams with the daemon's pipes, creates and starts the Container, calls the daemon back, waits,
 * and cleans up.
 *
 * @module
 */

import { type AbortOptions, comesWithin, onAbort } from "../../ffi/waiting/abort.ts";
import type { Container } from "../container.ts";
import type { ContainerStats } from "../events.ts";
import type {
  Command,
  CutShort,
  ExecDriverOptions,
  ProgramOptions,
  RestoredContainer,
  RunOptions,
  RunStatus,
  StartCallback,
  TerminateOptions,
} from "./driver_command.ts";
import { ContainerError } from "../errors.ts";
import { type ContainerInfo, Factory } from "../factory.ts";
import type { Pipes } from "./pipes.ts";
import { Wiring } from "./wiring.ts";
import { type ExitStatus, Process } from "../process.ts";
import { ofFormerLife } from "./former_life.ts";
import { abandoning, Cut } from "./cut.ts";
import { end, liveOnce } from "./one_run.ts";

/**
 * Runs programs in containers for a daemon.
 *
 * It only touches containers made by a driver of its name. Several daemons in one root folder need
 * different names; otherwise {@linkcode ExecDriver.restore} would take the containers of another
 * daemon for its own earlier ones.
 *
 * @example Run a program and take its output as it comes
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ExecDriver } from "@hull/hull";
 *
 * const driver = new ExecDriver({ root: "/run/hull-example-driver" });
 * const { readable, writable } = new TransformStream<Uint8Array<ArrayBuffer>>();
 * const output = new Response(readable).text();
 * const command = { id: "hull-example-run", args: ["sh", "-c", "echo hello; exit 3"] };
 * const { code } = await driver.run(command, { stdout: writable }, (pid) => console.log(pid));
 * assertEquals([code, await output], [3, "hello\n"]);
 * ```
 */
export class ExecDriver {
  /** The factory that makes the containers: the one that was given, or the driver's own. */
  readonly factory: Factory;
  /** The name that the driver's containers carry. */
  readonly name: string;
  readonly #supervised: boolean;
  readonly #running = new Set<string>();

  /** Touches nothing on the host yet. */
  constructor(options: ExecDriverOptions = {}) {
    this.factory = options.factory ?? new Factory(options);
    this.name = options.name ?? DEFAULT_NAME;
    this.#supervised = options.supervised ?? true;
  }

  /**
   * Runs a program in a container of its own. The order is: the Process is made and its streams are
   * connected with the pipes; the container is created, then started; the daemon is called back;
   * the process is waited for. Then the container is removed, and what is left in the pipes is
   * written. Nothing stays after a failure.
   *
   * @param command the program, and the container to run it in
   * @param pipes taken over: see {@linkcode Pipes}. A stream that fails ends the container, and the
   *   run rejects with its error once all is taken away. A reader that goes away is no failure; the
   *   program learns of it by SIGPIPE, as in a shell's pipe. A reader that has stopped reading
   *   delays the end of the run until the signal aborts it
   * @param startCallback called once the program runs
   * @param options `signal` ends the program early; `exitCallback` is called with the status before
   *   the container is taken away
   * @returns how the program ended
   * @throws {ContainerError} what `Factory.create` and `Container.run` throw; `ConfigInvalid` for
   *   pipes that can't be used
   * @throws what the callback threw, a pipe failed with, or the signal's reason. An abort may come
   *   at any moment, and nothing of the container is left then; only the exit callback is never
   *   interrupted
   */
  async run(
    command: Command,
    pipes: Pipes = {},
    startCallback: StartCallback = () => {},
    options: RunOptions = {},
  ): Promise<RunStatus> {
    const { id, config, wishes, bundle, resources, ...program } = command;
    const isFirst = !this.#running.has(id); // a second run finds the id in use
    this.#running.add(id);
    try {
      using wiring = new Wiring(pipes, command.terminal ?? config?.process?.terminal ?? false);
      const process = new Process({ ...program, ...wiring.stdio });
      const cut = new Cut(options.signal);
      return await abandoning(wiring, async () => {
        cut.signal.throwIfAborted();
        const container = await this.factory.create(id, config, {
          wishes,
          bundle,
          resources,
          driver: this.name,
          outputFiles: wiring.outputFiles,
          signal: cut.signal,
        });
        const supervised = this.#supervised;
        const status = await liveOnce(container, process, {
          wiring,
          cut,
          supervised,
          startCallback,
          exitCallback: options.exitCallback,
          factory: this.factory,
        });
        cut.signal.throwIfAborted();
        return status;
      });
    } finally {
      if (isFirst) this.#running.delete(id);
    }
  }

  /**
   * Runs a further program in a running container. It has no supervisor: if the daemon ends, its
   * exit code is lost, and its web streams close as {@linkcode Pipes} says. The call returns once
   * the program has ended and nobody can write to its pipes any more; a process that it leaves
   * behind with such a pipe delays that. If it is ended early, all that it has started is ended too,
   * except processes that have detached from it.
   *
   * @param id of the container, one of a former life of the daemon too
   * @param program what to run
   * @param pipes as of {@linkcode ExecDriver.run}; one that fails ends this program, with what it
   *   has started
   * @param startCallback called once the program runs; if it throws, the program is ended, and the
   *   call rejects with what it threw
   * @param options `signal` ends the program early
   * @returns how the program ended
   * @throws {ContainerError} what `Container.start` throws; `ContainerNotExists`
   * @throws what the callback threw, a pipe failed with, or the signal's reason
   */
  async exec(
    id: string,
    program: ProgramOptions,
    pipes: Pipes = {},
    startCallback: StartCallback = () => {},
    options: CutShort = {},
  ): Promise<ExitStatus> {
    using wiring = new Wiring(pipes, program.terminal ?? false);
    const process = new Process({ ...program, ...wiring.stdio });
    const cut = new Cut(options.signal);
    const { signal } = cut;
    return await abandoning(wiring, async () => {
      signal.throwIfAborted();
      const container = this.#load(id);
      if (!container.hasRun()) throw neverRan(id);
      await container.start(process, { signal });
      using _ = onAbort(signal, () => process.killTree());
      const flows = cut.begin(wiring, process);
      try {
        await cut.unless(() => startCallback(process.pid, process));
        return await process.wait();
      } finally {
        process.killTree();
        await process.wait();
        flows.stopInput();
        await flows.drained();
        signal.throwIfAborted();
      }
    });
  }

  /**
   * Sends a signal to a container's first process.
   *
   * @param signal a number, or a name such as `TERM`
   * @throws {ContainerError} `ContainerNotExists`, `ContainerNotRunning`, `ConfigInvalid` for an
   *   unknown signal
   */
  kill(id: string, signal: string | number = "KILL"): void {
    this.#load(id).signal(signal);
  }

  /**
   * Ends a container, and waits for its end; no error if it has ended. A run of it returns its
   * status then; one of a former life stays until {@linkcode ExecDriver.clean}.
   *
   * @param options `graceMs`: how long it has after a SIGTERM before it is killed; default 0, at
   *   once. An abort ends the waiting, but signals that were sent stay sent
   * @throws {ContainerError} `ContainerNotExists`
   * @throws the signal's reason
   */
  async terminate(id: string, options: TerminateOptions = {}): Promise<void> {
    const { graceMs = 0, signal } = options;
    signal?.throwIfAborted();
    const container = this.#load(id);
    const ended = container.wait({ signal });
    if (graceMs > 0) {
      end(container, "TERM");
      await comesWithin(ended, graceMs);
    }
    end(container);
    await ended;
  }

  /**
   * Stops all processes of a container where they are.
   *
   * @throws {ContainerError} `ContainerNotExists`, `ContainerNotRunning`
   * @throws the signal's reason; they go on then
   */
  async pause(id: string, options: AbortOptions = {}): Promise<void> {
    await this.#load(id).pause(options);
  }

  /**
   * Lets the processes of a paused container go on.
   *
   * @throws {ContainerError} `ContainerNotExists`, `ContainerNotPaused`
   * @throws the signal's reason
   */
  async unpause(id: string, options: AbortOptions = {}): Promise<void> {
    await this.#load(id).resume(options);
  }

  /**
   * The numbers on the host of a container's processes; they are sure only while it is paused.
   *
   * @throws {ContainerError} `ContainerNotExists`
   */
  pids(id: string): number[] {
    return this.#load(id).processes();
  }

  /**
   * What a container uses, and what went through its interfaces.
   *
   * @throws {ContainerError} `ContainerNotExists`, `ContainerNotRunning` before it has a process,
   *   `SystemError`
   */
  stats(id: string): ContainerStats {
    return this.#load(id).stats();
  }

  /**
   * What a container is: its status, process, folders, and its exit code once it has ended.
   *
   * @throws {ContainerError} `ContainerNotExists`
   */
  info(id: string): ContainerInfo {
    this.#load(id);
    return this.factory.info(id);
  }

  /**
   * Takes away what is left of a container that has ended, its exit status with it; nothing happens
   * if there is none.
   *
   * @throws {ContainerError} `ContainerNotStopped` if it runs, or a run of this driver will take it
   *   away itself
   * @throws the signal's reason
   */
  async clean(id: string, options: AbortOptions = {}): Promise<void> {
    if (this.#running.has(id)) {
      throw new ContainerError("ContainerNotStopped", `container ${id} is this driver's run`, {
        hint: "terminate it, and wait for what its run returns",
      });
    }
    try {
      await this.#load(id).destroy(options);
    } catch (error) {
      if (!(error instanceof ContainerError && error.code === "ContainerNotExists")) throw error;
    }
  }

  /**
   * Finds the containers that the daemon left when it ended or was killed: those that run, and
   * those that have ended meanwhile, whose exit status {@linkcode RestoredContainer.wait} gives.
   * Containers that never ran their program are removed. A daemon calls this once when it starts.
   *
   * @example
   * ```ts
   * import { ExecDriver } from "@hull/hull";
   *
   * const driver = new ExecDriver({ root: "/run/hull-example-driver" });
   * const restored = await driver.restore();
   * await Promise.all(restored.map(async (container) => {
   *   const status = await container.wait();
   *   console.log(container.id, status?.code); // the daemon's note of it
   *   await driver.clean(container.id);
   * }));
   * ```
   *
   * @throws {ContainerError} `SystemError` if the root folder can't be read
   * @throws the signal's reason
   */
  async restore({ signal }: AbortOptions = {}): Promise<RestoredContainer[]> {
    signal?.throwIfAborted();
    await this.factory.removeLeftovers();
    const restored: RestoredContainer[] = [];
    for (const id of this.factory.ids()) {
      const container = this.#running.has(id) ? undefined : this.#ofThisName(id);
      const found = container === undefined ? undefined : await ofFormerLife(container, signal);
      if (found !== undefined) restored.push(found);
    }
    return restored;
  }

  /**
   * A container of this driver's.
   *
   * @throws {ContainerError} `ContainerNotExists`
   */
  #load(id: string): Container {
    const container = this.factory.load(id);
    if (container.driver === this.name) return container;
    const { driver } = container;
    const whose = driver === undefined ? "no driver" : `the driver ${JSON.stringify(driver)}`;
    throw new ContainerError("ContainerNotExists", `container ${id} is not this driver's`, {
      path: container.folder,
      hint: `it was made by ${whose}, and this one is named ${JSON.stringify(this.name)}`,
    });
  }

  /**
   * Undefined for a container of another driver, or one that is broken, so that its driver is not
   * known.
   */
  #ofThisName(id: string): Container | undefined {
    try {
      return this.#load(id);
    } catch (error) {
      if (error instanceof ContainerError && NOT_FOUND.has(error.code)) return undefined;
      throw error;
    }
  }
}

const DEFAULT_NAME = "driver";
const NOT_FOUND: ReadonlySet<string> = new Set(["ContainerNotExists", "StateInvalid"]);

function neverRan(id: string): ContainerError {
  return new ContainerError("ContainerNotRunning", `container ${id} has not started yet`);
}
