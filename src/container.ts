/**
 * A container: at first only an id, a folder, a config and cgroups; later with processes in it.
 *
 * @module
 */

import type { AbortOptions } from "../ffi/waiting/abort.ts";
import type { ExitStatus } from "../ffi/processes/process.ts";
import type { Config, Resources } from "./config/types/config.ts";
import type { NamedNetwork } from "./config/types/network.ts";
import type { StartWay } from "../init/start_way.ts";
import { type DestroyOptions, Ending } from "./container/ending.ts";
import { KnownContainer } from "./container/known_container.ts";
import { changeLimits, eventsOf, outputOf, pause, plug, resume } from "./container/late.ts";
import { awaitEnd, endOf, ociStateOf, stateOf, statsOf } from "./container/measures.ts";
import type { Output, OutputOptions } from "./container/output.ts";
import { PLAIN_SIGNAL, type PlainSignal, plainSignal, sendSignal } from "./container/signals.ts";
import { Starting } from "./container/starting.ts";
import type { ContainerEvent, ContainerStats, EventOptions } from "./events.ts";
import { isWaiting } from "./process/init_status.ts";
import type { Process } from "./process.ts";
import type { RdtUpdate } from "./resctrl/container_resctrl.ts";
import type { StartOptions } from "./wishes/start_options.ts";
import { isGone } from "./state/container_folder.ts";
import type { OciState, State, Status } from "./state/oci_state.ts";
import type { Snapshot } from "./state/stored_state.ts";
import type { ContainerSurroundings } from "./state/surroundings.ts";

export type { AbortOptions } from "../ffi/waiting/abort.ts";
export type { DestroyOptions } from "./container/ending.ts";

let make: (snapshot: Snapshot, surroundings: ContainerSurroundings) => Container;

/** The object for a container whose state was read or written; for a Factory alone. */
export function makeContainer(snapshot: Snapshot, surroundings: ContainerSurroundings): Container {
  return make(snapshot, surroundings);
}

/**
 * A container. Any method may find that it was destroyed by another program meanwhile, and throws
 * `ContainerNotExists` then.
 *
 * Whatever waits takes an AbortSignal, and rejects with its reason. What an abort means:
 *
 * - `start` and `run` are undone: the process is killed, all that was made for it is taken away,
 *   and the container is as before; a process that joins is killed, with what it has started
 * - `release`: up to the moment where the program is let run the container goes on waiting for its
 *   start; later it is killed
 * - `output` kills the program that runs; the container stays
 * - `pause` lets all processes go on again; `wait` stops waiting; `events` and `notifyOOM` end
 * - `destroy`, `set`, `resume`, `attachNetworks` and `detachNetworks` do nothing if they still had
 *   to wait for other calls to end. Once begun they are finished, which takes little time; `destroy`
 *   kills the poststop hooks that still run
 */
export class Container implements AsyncDisposable {
  static {
    make = (snapshot, surroundings) => new Container(snapshot, surroundings);
  }

  readonly #known: KnownContainer;

  /** @ignore containers are made and loaded by a {@linkcode Factory} */
  private constructor(snapshot: Snapshot, surroundings: ContainerSurroundings) {
    this.#known = new KnownContainer(snapshot, surroundings);
  }

  /** The id that the container was created with. */
  get id(): string {
    return this.#known.id;
  }

  /** The folder of the container's state on the host: its id, below the Factory's root. */
  get folder(): string {
    return this.#known.folder;
  }

  /** Which way the first process was started; undefined unless this program did. */
  get way(): StartWay | undefined {
    return this.#known.init?.way;
  }

  /**
   * The config as it is stored: sources of bind mounts are absolute, and the limits are those of the
   * last {@linkcode Container.set}. Once the container is gone, what was known last.
   */
  get config(): Config {
    return this.#known.state.last().config;
  }

  /** The name of the {@linkcode ExecDriver} that made the container; undefined if none did. */
  get driver(): string | undefined {
    return this.#known.state.known.driver;
  }

  /**
   * Starts a process. The container's first process then waits for {@linkcode Container.release}; a
   * further one joins the running container, with its namespaces, cgroups, limits and filter, and
   * runs at once. Of two calls at once exactly one starts the first process.
   *
   * @param process what to run; afterwards it is the handle on the running process
   * @param options for the first process, except for `signal`, which counts for every one
   * @throws {ContainerError} `InitFailed` with step, syscall, errno and path; `NoProcessOps` for a
   *   process that was started already; `ConfigInvalid`, `Unsupported`, `IdInUse` for a cgroup that
   *   another program has made meanwhile, `OomKilled`, `SystemError`; `HookFailed` for a hook of
   *   the creation; for a further process `ContainerNotRunning` or `ContainerPaused`; or the
   *   signal's reason
   */
  async start(process: Process, options: StartOptions = {}): Promise<void> {
    using call = this.#known.begin(options.signal);
    await new Starting(this.#known, call).start(process, options);
  }

  /**
   * Starts a process and lets it run at once: {@linkcode Container.start} and, for the container's
   * first process, {@linkcode Container.release}.
   *
   * @throws {ContainerError} what these two throw, as the signal's reason
   */
  async run(process: Process, options: StartOptions = {}): Promise<void> {
    using call = this.#known.begin(options.signal);
    await new Starting(this.#known, call).run(process, options);
  }

  /**
   * Runs a program to its end, the first one or a further one, and gives what it wrote and used:
   * of the first one by the container's cgroups, of a further one with those children that it has
   * waited for. What it leaves behind with its pipes delays the call.
   *
   * @throws {ContainerError} what {@linkcode Container.run} throws; `ConfigInvalid`
   * @throws the signal's reason, or what the stream of its input failed with; it has ended then
   */
  async output(args: readonly string[], options: OutputOptions = {}): Promise<Output> {
    return await outputOf(this.#known, (...start) => this.run(...start), args, options);
  }

  /**
   * Lets the created first process run the user's program.
   *
   * @throws {ContainerError} `ContainerNotStopped` if it runs already, `ContainerNotRunning` if it
   *   has ended, `InitFailed` if the program can't be executed; `HookFailed` for a hook before or
   *   after the start, and the container is removed then; or the signal's reason
   */
  async release({ signal }: AbortOptions = {}): Promise<void> {
    using call = this.#known.begin(signal);
    await new Starting(this.#known, call).release();
  }

  /** @deprecated The old name of {@linkcode Container.release}; it goes with the next release. */
  async exec(options: AbortOptions = {}): Promise<void> {
    await this.release(options);
  }

  /**
   * Where the container is in its life, read anew at each call.
   *
   * @throws {ContainerError} `ContainerNotExists`, `StateInvalid`
   */
  status(): Status {
    return this.#known.statusOf(this.#known.state.read());
  }

  /**
   * Whether the program of the first process was ever let run; it may have ended since.
   *
   * @throws {ContainerError} `ContainerNotExists`, `StateInvalid`
   */
  hasRun(): boolean {
    return this.#known.state.read().init !== undefined && !isWaiting(this.folder);
  }

  /**
   * The state as the spec has it (runtime.md, State), as hooks get it.
   *
   * @throws {ContainerError} `ContainerNotExists`, `StateInvalid`
   */
  ociState(): OciState {
    return ociStateOf(this.#known);
  }

  /**
   * The same state with what hull knows beside it.
   *
   * @throws {ContainerError} `ContainerNotExists`, `StateInvalid`
   */
  state(): State {
    return stateOf(this.#known);
  }

  /**
   * The numbers on the host of all processes in the container's cgroups; without cgroups those of
   * its own pid namespace, and none if it has none. They are sure to be its own only while it is
   * paused: otherwise one may end, and its number be given to another.
   *
   * @throws {ContainerError} `SystemError`
   */
  processes(): number[] {
    return this.#known.processes();
  }

  /**
   * What the container uses, and what went through its interfaces that have an end on the host.
   *
   * @throws {ContainerError} `ContainerNotRunning` before it has a process, `SystemError`
   */
  stats(): ContainerStats {
    return statsOf(this.#known);
  }

  /** The interfaces that hull made for the container when it was started, with their names. */
  networks(): readonly NamedNetwork[] {
    return this.#known.state.last().network?.networks.items ?? [];
  }

  /**
   * Plugs the container's interfaces into their bridges again, after `detachNetworks`.
   *
   * @throws {ContainerError} `SystemError`, or the signal's reason
   */
  async attachNetworks(options: AbortOptions = {}): Promise<void> {
    await plug(this.#known, "attach", options.signal);
  }

  /**
   * Takes the container's interfaces off their bridges, so that nothing reaches it; all else stays.
   *
   * @throws {ContainerError} `SystemError`, or the signal's reason
   */
  async detachNetworks(options: AbortOptions = {}): Promise<void> {
    await plug(this.#known, "detach", options.signal);
  }

  /**
   * Changes the container's limits and stores them; if one can't be set, the old ones are restored.
   *
   * @param resources the limits to change; those that are not named stay
   * @param rdt limits of its class of service, for a container with `linux.intelRdt`
   * @throws {ContainerError} `ConfigInvalid` with pointers that begin at the resources,
   *   `ContainerNotRunning`, `Unsupported`, `SystemError`; or the signal's reason
   */
  async set(resources: Resources, rdt: RdtUpdate = {}, options: AbortOptions = {}): Promise<void> {
    await changeLimits(this.#known, resources, rdt, options.signal);
  }

  /**
   * What happens until the container's first process ends: what it uses, at every interval, and that
   * its memory ran out. Leave the loop, or abort, and nothing stays open.
   *
   * @param options by default stats every five seconds
   * @throws {ContainerError} `ContainerNotRunning`, `SystemError`
   */
  async *events(options: EventOptions = {}): AsyncGenerator<ContainerEvent, void, void> {
    yield* await eventsOf(this.#known, { intervalMs: 5000, ...options });
  }

  /**
   * Yields every time that the container's memory runs out, until its first process ends.
   *
   * @throws {ContainerError} `ContainerNotRunning`, `SystemError`
   */
  async *notifyOOM({ signal }: AbortOptions = {}): AsyncGenerator<void, void, void> {
    for await (const _event of await eventsOf(this.#known, { signal })) yield;
  }

  /**
   * What the container uses, at once and then as {@linkcode Container.events} tells it.
   *
   * @throws {ContainerError} `ContainerNotRunning`, `SystemError`
   */
  async *statsStream(options: EventOptions = {}): AsyncGenerator<ContainerStats, void, void> {
    yield this.stats();
    for await (const event of this.events(options)) if (event.type === "stats") yield event.data;
  }

  /**
   * Sends a signal to the container's first process. A signal that asks a program to end (HUP, INT,
   * QUIT, ABRT, TERM) kills a container that waits for its start: the first process of a pid
   * namespace ignores signals without a handler, and no data can be lost yet.
   *
   * @param signal a number, or a name such as `TERM` or `SIGTERM`
   * @param options `all` sends it to every process of the container's cgroups
   * @throws {ContainerError} `ContainerNotRunning` if it has ended, `ConfigInvalid` for an unknown
   *   signal
   */
  signal(signal: string | number, options: { readonly all?: boolean } = {}): void {
    sendSignal(this.#known, signal, options);
  }

  /** @ignore for hull's own rooms: what a signal comes to, if that is one call */
  [PLAIN_SIGNAL](signal: string | number): PlainSignal | undefined {
    return plainSignal(this.#known, signal);
  }

  /**
   * Stops all processes of the container where they are, and returns once they stand.
   *
   * @throws {ContainerError} `ContainerNotRunning` unless it is created, running or paused;
   *   `Unsupported` with the cgroup driver `disabled`; or the signal's reason
   */
  async pause({ signal }: AbortOptions = {}): Promise<void> {
    await pause(this.#known, signal);
  }

  /**
   * Lets the processes of a paused container go on.
   *
   * @throws {ContainerError} `ContainerNotPaused`, or the signal's reason
   */
  async resume({ signal }: AbortOptions = {}): Promise<void> {
    await resume(this.#known, signal);
  }

  /**
   * Waits until the container's first process has ended, even if there is none yet. Any number of
   * programs may wait.
   *
   * @returns how it ended; undefined if it was the child of another program and has no supervisor,
   *   since only its parent can know; and if the container is removed before it has a process
   * @throws the signal's reason
   */
  async wait({ signal }: AbortOptions = {}): Promise<ExitStatus | undefined> {
    return await awaitEnd(this.#known, signal);
  }

  /** How the first process ended; undefined before its end, and where `wait` gives undefined. */
  exitStatus(): ExitStatus | undefined {
    return endOf(this.#known);
  }

  /**
   * Removes the container with all it has on the host; a created one is killed first.
   *
   * @param options `force` kills a running one
   * @throws {ContainerError} `ContainerNotStopped` if it runs, `ContainerNotExists` if it is gone
   *   already, `SystemError`; or the signal's reason: if the abort came while the poststop hooks
   *   ran, everything is removed
   */
  async destroy({ force = false, signal }: DestroyOptions = {}): Promise<void> {
    using call = this.#known.begin(signal);
    await new Ending(this.#known, call).run(force);
  }

  /** Destroys the container, running or not; no error if it is gone already. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.destroy({ force: true });
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
}
