/**
 * A container: logical first (an id, a folder, a config, cgroups), then with processes in it.
 *
 * @module
 */

import { SIGKILL } from "../ffi/c/signal_numbers.ts";
import { type AbortOptions, unlessAborted } from "../ffi/waiting/abort.ts";
import type { Fd } from "../ffi/files/file.ts";
import { type ExitStatus, signalPidfd } from "../ffi/processes/process.ts";
import type { NamedNetwork } from "./config/types/network.ts";
import type { Config, Resources } from "./config/types/config.ts";
import { changeClass, leaveClass, type RdtUpdate } from "./resctrl/container_resctrl.ts";
import { endAll, isGuest, signalFirst, type SignalTarget } from "./life/container_signals.ts";
import type { StartWay } from "./config/start_way.ts";
import { CurrentState, isGone } from "./state/current_state.ts";
import { ContainerError } from "./errors.ts";
import type { ContainerEvent, ContainerStats, EventOptions } from "./events.ts";
import { awaitRecord, lookUpExit, writeExitRecord } from "./supervisor/exit_record.ts";
import type { StartedFirst, StartOptions } from "./start/first_process.ts";
import type { InitProcess } from "./start/init_process.ts";
import { lockJoins } from "./life/join_lock.ts";
import { isWaiting } from "./process/init_status.ts";
import { interfaceStats } from "./network/interface_stats.ts";
import { makeOciState, type OciState, type State, type Status } from "./state/oci_state.ts";
import { withOomKill } from "./process/oom_kill.ts";
import { requireSignal } from "./process/parent_process.ts";
import type { Process } from "./process.ts";
import { isAlive, openIdentified } from "./state/process_identity.ts";
import { followStart, isFollowed, releaseProgram } from "./start/release.ts";
import type { Snapshot } from "./state/state_store.ts";
import type { StoredState } from "./state/stored_state.ts";
import {
  notRunning,
  requireCreated,
  requireEnded,
  requireJoinable,
  requirePaused,
  requireProcesses,
} from "./state/status_rules.ts";
import type { ContainerSurroundings } from "./state/surroundings.ts";
import type { Lane } from "./trace/trace.ts";
import { traced } from "./trace/traced.ts";
import { finish, undone } from "./failures/undo.ts";

export type { AbortOptions } from "../ffi/waiting/abort.ts";

/**
 * A container. Any method may find that it was destroyed by another program meanwhile, and throws
 * `ContainerNotExists` then.
 *
 * Whatever waits takes an AbortSignal, and rejects with its reason. What an abort means:
 * - `start` and `run` are undone: the process is killed, all that was made for it is taken away, and
 *   the container is as before; a process that joins is killed, with what it has started
 * - `exec`: up to the moment where the program is let run the container goes on waiting for its start;
 *   later it is killed
 * - `pause` lets all go on again; `wait` waits no more; `events` and `notifyOOM` come to their end
 * - `destroy`, `set`, `resume` and the networks' calls are left undone if they had still to wait for
 *   others' calls to end. Once begun they go to their end, which is near; of `destroy` the poststop
 *   hooks are killed
 */
export class Container implements AsyncDisposable {
  readonly #surroundings: ContainerSurroundings;
  readonly #state: CurrentState;
  #init: InitProcess | undefined;

  /** Made by a {@linkcode Factory}. */
  constructor(snapshot: Snapshot, surroundings: ContainerSurroundings) {
    this.#state = new CurrentState(surroundings.store, snapshot);
    this.#surroundings = surroundings;
  }

  /** Its id. */
  get id(): string {
    return this.#state.known.id;
  }

  /** Its state folder on the host. */
  get folder(): string {
    return this.#surroundings.store.folder(this.id);
  }

  /** How its first process was started; undefined unless this program did. */
  get way(): StartWay | undefined {
    return this.#init?.way;
  }

  /** Its config. */
  get config(): Config {
    return this.#state.last().config;
  }

  /** The name of the ExecDriver that made it; undefined if none did. */
  get driver(): string | undefined {
    return this.#state.known.driver;
  }

  /**
   * Starts a process. The container's first waits for {@linkcode Container.exec} then; a further one
   * joins the running container, with its namespaces, cgroups, limits and filter, and runs at once.
   * Of two calls at once one starts the first.
   *
   * @throws {ContainerError} `InitFailed` with step, syscall, errno and path; `NoProcessOps` for a
   *   process that was started already; for a further process `ContainerNotRunning` or
   *   `ContainerPaused`
   * @throws the signal's reason
   */
  async start(process: Process, options: StartOptions = {}): Promise<void> {
    using taken = this.#surroundings.trace?.take();
    if (await this.#startFirst(process, options, taken?.lane) !== undefined) return;
    await this.#join(process, options, taken?.lane);
  }

  /** Starts a process and lets it run at once. Throws what `start` and `exec` throw. */
  async run(process: Process, options: StartOptions = {}): Promise<void> {
    using taken = this.#surroundings.trace?.take();
    const lane = taken?.lane;
    const release = (started: Started) =>
      this.#undoneIfAborted(started, options, () => this.#exec(options.signal, lane));
    const first = await this.#startFirst(process, options, lane, release);
    if (first === undefined) await this.#join(process, options, lane);
    else if (isFollowed(first.before)) {
      await this.#follow(options.signal, lane, () => this.#undoStart(first));
    }
  }

  /**
   * Lets the created first process run the user's program.
   *
   * @throws {ContainerError} `ContainerNotStopped` if it runs already, `ContainerNotRunning` if it
   *   has ended, `InitFailed` if the program can't be executed
   * @throws the signal's reason
   */
  async exec({ signal }: AbortOptions = {}): Promise<void> {
    using taken = this.#surroundings.trace?.take();
    const lane = taken?.lane;
    {
      using _lock = await this.#state.lock(signal);
      requireCreated(this.#subject());
      try {
        await this.#exec(signal, lane);
      } catch (error) {
        if (signal?.aborted !== true || isWaiting(this.folder)) throw error;
        throw await undone(error, () => this.#kill());
      }
    }
    if (isFollowed(this.#state.known)) await this.#follow(signal, lane, () => this.#kill());
  }

  /**
   * Where it is in its life.
   *
   * @throws {ContainerError} `ContainerNotExists`, as whatever tells of the container
   */
  status(): Status {
    return this.#statusOf(this.#state.read());
  }

  /** Whether its program was ever let run. */
  hasRun(): boolean {
    return this.#state.read().init !== undefined && !isWaiting(this.folder);
  }

  /** The state as the spec has it. */
  ociState(): OciState {
    return this.#ociStateOf(this.#state.read());
  }

  /** The state with what hull knows beside it. */
  state(): State {
    const stored = this.#state.read();
    const { rootfs, created, cgroupPaths } = stored;
    return { ...this.#ociStateOf(stored), rootfs, created, cgroupPaths };
  }

  /** The numbers of all its processes on the host; they are sure only while it is paused. */
  processes(): number[] {
    return this.#surroundings.cgroups.processes({ all: true });
  }

  /**
   * What it uses, and what went through its interfaces that have an end on the host.
   *
   * @throws {ContainerError} `ContainerNotRunning` before it has a process, `SystemError`
   */
  stats(): ContainerStats {
    if (this.#state.read().init === undefined) {
      throw new ContainerError(
        "ContainerNotRunning",
        `container ${this.id} has no process yet, which could use anything`,
      );
    }
    const networkInterfaces = this.networks()
      .flatMap(({ hostInterfaceName: name }) => name === undefined ? [] : [interfaceStats(name)])
      .filter((stats) => stats !== undefined);
    try {
      return { ...this.#surroundings.cgroups.stats(), networkInterfaces };
    } catch (error) {
      // If it was removed meanwhile, or is being removed, that is why.
      if (this.status() === "stopped") throw notRunning({ id: this.id, status: "stopped" });
      throw error;
    }
  }

  /** The interfaces that were made for it, with their names. */
  networks(): readonly NamedNetwork[] {
    return this.#state.last().network?.networks.items ?? [];
  }

  /**
   * Plugs its interfaces into their bridges again.
   *
   * @throws {ContainerError} `SystemError`
   * @throws the signal's reason
   */
  async attachNetworks(options: AbortOptions = {}): Promise<void> {
    await this.#plug("attach", options);
  }

  /**
   * Takes its interfaces off their bridges, so that nothing reaches it; all else stays.
   *
   * @throws {ContainerError} `SystemError`
   * @throws the signal's reason
   */
  async detachNetworks(options: AbortOptions = {}): Promise<void> {
    await this.#plug("detach", options);
  }

  /**
   * Changes its limits, and keeps them with the container; what the resources don't name stays. If
   * one can't be set, those before are set again.
   *
   * @param rdt limits of its class of service, for a container with `linux.intelRdt`
   * @throws {ContainerError} `ConfigInvalid` with pointers that begin at the resources,
   *   `ContainerNotRunning`, `Unsupported`, `SystemError`
   * @throws the signal's reason
   */
  async set(
    resources: Resources,
    rdt: RdtUpdate = {},
    { signal }: AbortOptions = {},
  ): Promise<void> {
    using _lock = await this.#state.lock(signal);
    const { updateResources } = await import("./life/update_resources.ts");
    requireProcesses(this.#subject());
    const { known } = this.#state;
    const undo = await changeClass(known.resctrl, rdt);
    try {
      this.#state.keep(updateResources(this.#surroundings, known, resources, rdt));
    } catch (error) {
      throw await undone(error, undo);
    }
  }

  /**
   * What happens in it until its first process ends: what it uses, at every interval, and that its
   * memory ran out. Leave the loop, or abort, and nothing stays open.
   *
   * @param options by default stats every five seconds
   * @throws {ContainerError} `ContainerNotRunning`, `SystemError`
   *
   * @example
   * ```ts ignore
   * for await (const event of container.events({ intervalMs: 1000 })) console.log(event);
   * ```
   */
  async *events(options: EventOptions = {}): AsyncGenerator<ContainerEvent, void, void> {
    yield* await this.#watch({ intervalMs: 5000, ...options });
  }

  /**
   * Every time that its memory ran out, from now on until its first process ends.
   *
   * @throws {ContainerError} `ContainerNotRunning`, `SystemError`
   */
  async *notifyOOM(
    options: Omit<EventOptions, "intervalMs"> = {},
  ): AsyncGenerator<void, void, void> {
    for await (const _event of await this.#watch({ signal: options.signal })) yield;
  }

  /**
   * Sends a signal to its first process, or to all. One that asks a program to end kills a container
   * that waits for its start: a pid namespace's first process is deaf to what it has no handler for,
   * and there is nothing yet to be saved.
   *
   * @param signal a number, or a name such as `TERM`
   * @throws {ContainerError} `ContainerNotRunning` if it has ended, `ConfigInvalid` for an unknown
   *   signal
   */
  signal(signal: string | number, options: { readonly all?: boolean } = {}): void {
    const number = requireSignal(signal);
    using _lock = ASKS_TO_END.has(number) ? this.#state.tryLock() : undefined;
    this.#state.read();
    // Whoever holds the lock may be letting the program run, which could save something.
    const isDeaf = _lock !== undefined && this.#statusOf(this.#state.known) === "created";
    const sent = isDeaf ? SIGKILL : number;
    if (options.all === true) return this.#surroundings.cgroups.kill(sent);
    using pidfd = this.#openInit();
    if (signalFirst(this.#target(pidfd), sent)) return;
    throw new ContainerError("ContainerNotRunning", `container not running: ${this.id}`);
  }

  /**
   * Stops all its processes where they are.
   *
   * @throws {ContainerError} `ContainerNotRunning` unless it is created, running or paused
   * @throws the signal's reason
   */
  async pause({ signal }: AbortOptions = {}): Promise<void> {
    using _lock = await this.#state.lock(signal);
    requireProcesses(this.#subject());
    using _joins = await lockJoins(this.folder, "pause", signal);
    await this.#surroundings.cgroups.freeze(signal);
  }

  /**
   * Lets them go on.
   *
   * @throws {ContainerError} `ContainerNotPaused`
   * @throws the signal's reason
   */
  async resume({ signal }: AbortOptions = {}): Promise<void> {
    using _lock = await this.#state.lock(signal);
    requirePaused(this.#subject());
    await this.#surroundings.cgroups.thaw();
  }

  /**
   * Waits until its first process has ended, before it has one too; any number of programs may.
   *
   * @returns how it ended; undefined if it was another program's child that has no supervisor: its
   *   parent alone can know; and if the container goes away before it has had a process
   * @throws the signal's reason
   */
  async wait({ signal }: AbortOptions = {}): Promise<ExitStatus | undefined> {
    signal?.throwIfAborted();
    if (this.#init === undefined && !await this.#state.begun(signal)) return undefined;
    if (this.#init !== undefined) {
      const status = await unlessAborted(this.#init.ended(), signal);
      const isKept = this.#init.supervisor !== undefined;
      if (status !== undefined && !isKept) writeExitRecord(this.folder, this.#init.pid, status);
      return status;
    }
    const { poller, cgroups } = this.#surroundings;
    const ended = await awaitRecord(this.folder, this.#state.known, poller.until(signal));
    return withOomKill(ended, cgroups);
  }

  /** How its first process ended, as far as anybody has recorded it: see {@linkcode wait}. */
  exitStatus(): ExitStatus | undefined {
    return withOomKill(lookUpExit(this.folder), this.#surroundings.cgroups);
  }

  /**
   * Removes the container with all it has on the host; a created one is killed first.
   *
   * @param options `force` kills a running one
   * @throws {ContainerError} `ContainerNotStopped` if it runs
   * @throws the signal's reason; of one that came while the poststop hooks ran, with all removed
   */
  async destroy({ force = false, signal }: DestroyOptions = {}): Promise<void> {
    using taken = this.#surroundings.trace?.take();
    try {
      using _lock = await (force ? this.#lockByForce(signal) : this.#state.lock(signal));
      if (!force) requireEnded(this.#subject());
      await traced(taken?.lane, "destroy", () => this.#destroy(taken?.lane, signal));
    } catch (error) {
      if (isGone(error)) await this.#letGo();
      throw error;
    }
  }

  /**
   * The lock for one that is to be ended anyhow. Who holds it for long may wait for the first process,
   * as a start waits for one that was stopped: that ends first then.
   */
  async #lockByForce(signal: AbortSignal | undefined): Promise<Fd> {
    signal?.throwIfAborted();
    // Mostly nobody holds it, and the engine loads much for a timer.
    const free = this.#state.tryLock();
    if (free !== undefined) return free;
    const timer = setTimeout(() => {
      const { init } = this.#state.last();
      using pidfd = init === undefined ? undefined : openIdentified(init);
      if (pidfd !== undefined) signalPidfd(pidfd, SIGKILL);
    }, PATIENCE_MS);
    try {
      return await this.#state.lock(signal);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Destroys it, running or not; no error if it is gone already. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.destroy({ force: true });
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  async #watch(options: EventOptions): Promise<AsyncGenerator<ContainerEvent, void, void>> {
    const { watchEvents } = await import("./events.ts");
    this.#state.read();
    const init = this.#openInit();
    if (init === undefined) throw notRunning(this.#subject());
    const { poller, cgroups } = this.#surroundings;
    const { id } = this;
    const stats = () => this.stats();
    return watchEvents({ id, init, cgroupPaths: cgroups.paths, poller, stats }, options);
  }

  async #plug(how: "attach" | "detach", { signal }: AbortOptions): Promise<void> {
    using _lock = await this.#state.lock(signal);
    const { network } = this.#state.known;
    if (network === undefined) return;
    const { plugNetwork } = await import("./network/container_network.ts");
    await plugNetwork(network, how, signal);
  }

  /** Of what is known, while the lock is held. */
  #subject(): { readonly id: string; readonly status: Status } {
    return { id: this.id, status: this.#statusOf(this.#state.known) };
  }

  #statusOf({ init, creator }: StoredState): Status {
    if (init === undefined) return isAlive(creator) ? "creating" : "stopped";
    if (!isAlive(init)) return "stopped";
    if (this.#surroundings.cgroups.freezerState() === "frozen") return "paused";
    return isWaiting(this.folder) ? "created" : "running";
  }

  #ociStateOf(stored: StoredState): OciState {
    const status = this.#statusOf(stored);
    return makeOciState(stored, status, status === "stopped" ? 0 : stored.init?.pid ?? 0);
  }

  #openInit(): Fd | undefined {
    const { init } = this.#state.known;
    return init === undefined ? undefined : openIdentified(init);
  }

  #target(pidfd: Fd | undefined): SignalTarget {
    const { known } = this.#state;
    const { cgroups } = this.#surroundings;
    return { config: known.config, cgroups, pidfd, isGuest: isGuest(known) };
  }

  /**
   * Starts the first process, unless there is one.
   *
   * @param then what comes of it while the lock is held
   * @returns what it has started, if it did
   */
  async #startFirst(
    process: Process,
    options: StartOptions,
    lane: Lane | undefined,
    then: (started: Started) => Promise<void> = () => Promise.resolve(),
  ): Promise<Started | undefined> {
    options.signal?.throwIfAborted();
    if (this.#state.known.init !== undefined) return undefined;
    using _lock = await this.#state.lock(options.signal);
    if (this.#state.known.init !== undefined) return undefined;
    const started = await traced(lane, "start", () => this.#start(process, options, lane));
    await then(started);
    return started;
  }

  async #start(
    process: Process,
    options: StartOptions,
    lane: Lane | undefined,
  ): Promise<Started> {
    using claim = process.claim();
    const { known } = this.#state;
    const { startFirst } = await import("./start/first_process.ts");
    const surroundings = this.#until(options.signal);
    const started = await startFirst(known, process.options, surroundings, options, lane);
    const { init } = started;
    this.#state.keep(started.snapshot);
    init.release();
    this.#init = init;
    claim.attach(init, init.streams);
    return { ...started, before: known };
  }

  /** What a start was for; all is as before it if that is aborted. */
  async #undoneIfAborted(
    started: Started,
    { signal }: AbortOptions,
    happen: () => Promise<void>,
  ): Promise<void> {
    try {
      await happen();
      signal?.throwIfAborted();
    } catch (error) {
      if (signal?.aborted !== true || isHookFailure(error)) throw error;
      throw await undone(signal.reason, () => this.#undoStart(started));
    }
  }

  /** Makes all as it was before a start; the lock is held. */
  async #undoStart({ before, undo }: Started): Promise<void> {
    const forget = () => {
      this.#init = undefined;
      this.#state.keep(this.#surroundings.store.write(before));
    };
    await finish(() => this.#kill(), ...undo, forget);
  }

  /**
   * Runs the hooks behind the start. They may pause, change or destroy the container, so the lock is
   * free meanwhile, and taken again for what a failure or an abort undoes.
   */
  async #follow(
    signal: AbortSignal | undefined,
    lane: Lane | undefined,
    undoAborted: () => Promise<void>,
  ): Promise<void> {
    try {
      await followStart(this.#state.known, this.#until(signal), lane);
      signal?.throwIfAborted();
    } catch (error) {
      if (isHookFailure(error)) {
        throw await undone(error, () => this.#still(() => this.#destroy(lane)));
      }
      if (signal?.aborted !== true) throw error;
      throw await undone(signal.reason, () => this.#still(undoAborted));
    }
  }

  /** Does something under the lock if the container is still there. */
  async #still(act: () => Promise<void>): Promise<void> {
    try {
      using _lock = await this.#state.lock();
      await act();
    } catch (error) {
      if (!isGone(error)) throw error;
      await this.#letGo();
    }
  }

  /** The surroundings of what is to be cut short. */
  #until(signal: AbortSignal | undefined): ContainerSurroundings {
    if (signal === undefined) return this.#surroundings;
    return { ...this.#surroundings, poller: this.#surroundings.poller.until(signal) };
  }

  /** The container's lock is not held: any number of processes may join at once, and while it is. */
  async #join(
    process: Process,
    { signal }: AbortOptions,
    lane: Lane | undefined,
  ): Promise<void> {
    using claim = process.claim();
    const { ignorePaused = false } = process.options;
    using _joins = ignorePaused ? undefined : await lockJoins(this.folder, "join", signal);
    const stored = this.#state.read();
    requireJoinable(this.#subject(), ignorePaused);
    using pidfd = this.#openInit();
    if (pidfd === undefined) throw notRunning({ id: this.id, status: "stopped" });
    const { startExec } = await traced(lane, "load exec", () => import("./exec/exec.ts"));
    const { child, streams } = await traced(
      lane,
      "exec",
      () => startExec(stored, pidfd, this.#until(signal), process.options, lane),
    );
    claim.attach(child, streams);
  }

  /** A hook that fails stops the container and takes it away: runtime.md, "Lifecycle". */
  async #exec(signal: AbortSignal | undefined, lane: Lane | undefined): Promise<void> {
    const trace = { lane, child: this.#init?.trace };
    try {
      await traced(
        lane,
        "release",
        () => releaseProgram(this.#state.known, this.#until(signal), trace),
      );
    } catch (error) {
      if (!isHookFailure(error)) throw error;
      throw await undone(error, () => this.#destroy(lane));
    }
  }

  /** Undoes all that was made, then runs the poststop hooks. */
  async #destroy(lane: Lane | undefined, signal?: AbortSignal): Promise<void> {
    const { store, cgroups, poller, onWarning } = this.#surroundings;
    const { known } = this.#state;
    // Where no start was begun, or its end was seen, whoever is in a cgroup of its name is another.
    const wasBegun = known.init !== undefined || !isAlive(known.creator);
    if (wasBegun) await traced(lane, "end the processes", () => this.#kill());
    if (wasBegun || cgroups.processes({ all: true }).length === 0) {
      await traced(lane, "remove the cgroups", () => cgroups.destroy(known.ownCgroups));
    }
    await leaveClass(known.resctrl);
    await traced(lane, "remove the network", () => this.#removeNetwork());
    traced(lane, "remove the state", () => store.remove(this.id));
    this.#init?.[Symbol.dispose]();
    if ((known.config.hooks?.poststop ?? []).length === 0) return;
    const { runPoststopHooks } = await import("./hooks/container_hooks.ts");
    const failures = await runPoststopHooks(known, poller.until(signal));
    for (const { summary, hint, pointer = "" } of failures) {
      onWarning?.({ pointer, message: `${summary}; ${hint}` });
    }
  }

  /** The kernel would do it too, but later, and not in a namespace that lives on. */
  async #removeNetwork(): Promise<void> {
    const { network, init, config, hasLease } = this.#state.known;
    if (network === undefined) return;
    const { removeNetwork } = await import("./network/container_network.ts");
    const joined = config.linux?.namespaces?.find(({ type }) => type === "network")?.path ||
      undefined;
    await removeNetwork({ network, joined, isNamed: init !== undefined });
    if (hasLease !== true) return;
    const { giveLeaseBack } = await import("./network/container_lease.ts");
    await giveLeaseBack(this.#surroundings.store, network.owner);
  }

  /** Ends every process, and waits for the first one's end. */
  async #kill(): Promise<void> {
    const { poller } = this.#surroundings;
    using pidfd = this.#openInit();
    const ended = this.#init?.ended() ?? (pidfd === undefined ? undefined : poller.wait(pidfd));
    try {
      await endAll(this.#target(pidfd), ended);
    } finally {
      if (pidfd !== undefined) poller.cancel(pidfd);
    }
  }

  /** Another has removed it: the first process, if it was this program's child, is to be reaped. */
  async #letGo(): Promise<void> {
    if (this.#init === undefined) return;
    using pidfd = this.#openInit();
    if (pidfd === undefined) await this.#init.ended();
    this.#init[Symbol.dispose]();
  }
}

/** How a container is taken away. */
export interface DestroyOptions extends AbortOptions {
  /** Kills a running one. */
  readonly force?: boolean | undefined;
}

/** A start, and the state that was before. */
interface Started extends StartedFirst {
  readonly before: StoredState;
}

function isHookFailure(error: unknown): boolean {
  return error instanceof ContainerError && error.code === "HookFailed";
}

/** How long a forced end waits for the lock before it kills the first process. */
const PATIENCE_MS = 2000;
/** HUP, INT, QUIT, ABRT, TERM. */
const ASKS_TO_END: ReadonlySet<number> = new Set([1, 2, 3, 6, 15]);
