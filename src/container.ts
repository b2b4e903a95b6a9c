/**
 * A container: logical first (an id, a folder, a config, cgroups), then with processes in it.
 *
 * @module
 */

import type { Fd } from "../ffi/file.ts";
import type { ExitStatus } from "../ffi/process.ts";
import type { NamedNetwork } from "./config/types/network.ts";
import type { Config, Resources } from "./config/types.ts";
import { changeClass, leaveClass, type RdtUpdate } from "./container_resctrl.ts";
import { endAll, signalFirst, type SignalTarget } from "./container_signals.ts";
import type { StartWay } from "./direct_start.ts";
import { ContainerError } from "./errors.ts";
import type { ContainerEvent, ContainerStats, EventOptions } from "./events.ts";
import { awaitRecord, lookUpExit, writeExitRecord } from "./exit_record.ts";
import type { StartOptions } from "./first_process.ts";
import type { InitProcess } from "./init_process.ts";
import { isWaiting } from "./init_status.ts";
import { interfaceStats } from "./network/interface_stats.ts";
import { makeOciState, type OciState, type State, type Status } from "./oci_state.ts";
import { withOomKill } from "./oom_kill.ts";
import { requireSignal } from "./parent_process.ts";
import type { Process } from "./process.ts";
import { isAlive, openIdentified } from "./process_identity.ts";
import { releaseProgram } from "./release.ts";
import type { StoredState } from "./state_store.ts";
import {
  notRunning,
  requireCreated,
  requireEnded,
  requireJoinable,
  requirePaused,
  requireProcesses,
} from "./status_rules.ts";
import type { ContainerSurroundings } from "./surroundings.ts";
import type { Lane } from "./trace.ts";
import { traced } from "./traced.ts";

/**
 * A container. Any method may find that it was destroyed by another program meanwhile, and throws
 * `ContainerNotExists` then.
 */
export class Container implements AsyncDisposable {
  readonly #surroundings: ContainerSurroundings;
  #stored: StoredState;
  #init: InitProcess | undefined;

  /** Made by a {@linkcode Factory}. */
  constructor(stored: StoredState, surroundings: ContainerSurroundings) {
    this.#stored = stored;
    this.#surroundings = surroundings;
  }

  /** Its id. */
  get id(): string {
    return this.#stored.id;
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
    return this.#stored.config;
  }

  /**
   * Starts a process. The container's first waits for {@linkcode Container.exec} then; a further one
   * joins the running container, with its namespaces, cgroups, limits and filter, and runs at once.
   *
   * @throws {ContainerError} `InitFailed` with step, syscall, errno and path; for a further process
   *   `ContainerNotRunning` or `ContainerPaused`
   */
  async start(process: Process, options: StartOptions = {}): Promise<void> {
    using taken = this.#surroundings.trace?.take();
    const lane = taken?.lane;
    if (this.#stored.init !== undefined) return await this.#join(process, lane);
    using _lock = await this.#lock();
    await traced(lane, "start", () => this.#start(process, options, lane));
  }

  /** Starts a process and lets it run at once. Throws what `start` and `exec` throw. */
  async run(process: Process, options: StartOptions = {}): Promise<void> {
    using taken = this.#surroundings.trace?.take();
    const lane = taken?.lane;
    if (this.#stored.init !== undefined) return await this.#join(process, lane);
    using _lock = await this.#lock();
    await traced(lane, "start", () => this.#start(process, options, lane));
    await traced(lane, "release", () => this.#exec(lane));
  }

  /**
   * Lets the created first process run the user's program.
   *
   * @throws {ContainerError} `ContainerNotStopped` if it runs already, `ContainerNotRunning` if it
   *   has ended, `InitFailed` if the program can't be executed
   */
  async exec(): Promise<void> {
    using taken = this.#surroundings.trace?.take();
    using _lock = await this.#lock();
    requireCreated(this.#subject());
    await traced(taken?.lane, "release", () => this.#exec(taken?.lane));
  }

  /** Where it is in its life. */
  status(): Status {
    const { init } = this.#stored;
    if (init === undefined) return isAlive(this.#stored.creator) ? "creating" : "stopped";
    if (!isAlive(init)) return "stopped";
    if (this.#surroundings.cgroups.freezerState() === "frozen") return "paused";
    return isWaiting(this.folder) ? "created" : "running";
  }

  /** Whether its program was ever let run. */
  hasRun(): boolean {
    return this.#stored.init !== undefined && !isWaiting(this.folder);
  }

  /** The state as the spec has it. */
  ociState(): OciState {
    const status = this.status();
    return makeOciState(
      this.#stored,
      status,
      status === "stopped" ? 0 : this.#stored.init?.pid ?? 0,
    );
  }

  /** The state with what hull knows beside it. */
  state(): State {
    const { rootfs, created, cgroupPaths } = this.#stored;
    return { ...this.ociState(), rootfs, created, cgroupPaths };
  }

  /** The numbers of all its processes on the host; they are sure only while it is paused. */
  processes(): number[] {
    return this.#surroundings.cgroups.processes({ all: true });
  }

  /** What it uses, and what went through its interfaces that have an end on the host. */
  stats(): ContainerStats {
    const networkInterfaces = this.networks()
      .flatMap(({ hostInterfaceName: name }) => name === undefined ? [] : [interfaceStats(name)])
      .filter((stats) => stats !== undefined);
    return { ...this.#surroundings.cgroups.stats(), networkInterfaces };
  }

  /** The interfaces that were made for it, with their names. */
  networks(): readonly NamedNetwork[] {
    return this.#stored.network?.networks.items ?? [];
  }

  /**
   * Plugs its interfaces into their bridges again.
   *
   * @throws {ContainerError} `SystemError`
   */
  async attachNetworks(): Promise<void> {
    await this.#plug("attach");
  }

  /**
   * Takes its interfaces off their bridges, so that nothing reaches it; all else stays.
   *
   * @throws {ContainerError} `SystemError`
   */
  async detachNetworks(): Promise<void> {
    await this.#plug("detach");
  }

  /**
   * Changes its limits, and keeps them with the container; what the resources don't name stays. If
   * one can't be set, those before are set again.
   *
   * @param rdt limits of its class of service, for a container with `linux.intelRdt`
   * @throws {ContainerError} `ConfigInvalid` with pointers that begin at the resources,
   *   `ContainerNotRunning`, `Unsupported`, `SystemError`
   */
  async set(resources: Resources, rdt: RdtUpdate = {}): Promise<void> {
    using _lock = await this.#lock();
    const { updateResources } = await import("./update_resources.ts");
    requireProcesses(this.#subject());
    const undo = await changeClass(this.#stored.resctrl, rdt);
    try {
      this.#stored = updateResources(this.#surroundings, this.#stored, resources, rdt);
    } catch (error) {
      undo();
      throw error;
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
   * Sends a signal to its first process, or to all.
   *
   * @param signal a number, or a name such as `TERM`
   * @throws {ContainerError} `ContainerNotRunning` if it has ended, `ConfigInvalid` for an unknown
   *   signal
   */
  signal(signal: string | number, options: { readonly all?: boolean } = {}): void {
    const number = requireSignal(signal);
    if (options.all === true) return this.#surroundings.cgroups.kill(number);
    using pidfd = this.#openInit();
    if (signalFirst(this.#target(pidfd), number)) return;
    throw new ContainerError("ContainerNotRunning", `container not running: ${this.id}`);
  }

  /**
   * Stops all its processes where they are.
   *
   * @throws {ContainerError} `ContainerNotRunning` unless it is created, running or paused
   */
  async pause(): Promise<void> {
    requireProcesses(this.#subject());
    await this.#surroundings.cgroups.freeze();
  }

  /**
   * Lets them go on.
   *
   * @throws {ContainerError} `ContainerNotPaused`
   */
  async resume(): Promise<void> {
    requirePaused(this.#subject());
    await this.#surroundings.cgroups.thaw();
  }

  /**
   * Waits until its first process has ended; any number of programs may.
   *
   * @returns how it ended; undefined if it was another program's child that has no supervisor: its
   *   parent alone can know
   */
  async wait(): Promise<ExitStatus | undefined> {
    if (this.#init !== undefined) {
      const status = await this.#init.ended();
      const isKept = this.#init.supervisor !== undefined;
      if (status !== undefined && !isKept) writeExitRecord(this.folder, this.#init.pid, status);
      return status;
    }
    const { poller, cgroups } = this.#surroundings;
    return withOomKill(await awaitRecord(this.folder, this.#stored, poller), cgroups);
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
   */
  async destroy(options: { readonly force?: boolean } = {}): Promise<void> {
    using taken = this.#surroundings.trace?.take();
    using _lock = await this.#lock();
    if (options.force !== true) requireEnded(this.#subject());
    await traced(taken?.lane, "destroy", () => this.#destroy(taken?.lane));
  }

  /** Destroys it, running or not; no error if it is gone already. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.destroy({ force: true });
    } catch (error) {
      if (error instanceof ContainerError && error.code === "ContainerNotExists") return;
      throw error;
    }
  }

  async #watch(options: EventOptions): Promise<AsyncGenerator<ContainerEvent, void, void>> {
    const { watchEvents } = await import("./events.ts");
    const init = this.#openInit();
    if (init === undefined) throw notRunning(this.#subject());
    const { poller, cgroups } = this.#surroundings;
    const { id } = this;
    const stats = () => this.stats();
    return watchEvents({ id, init, cgroupPaths: cgroups.paths, poller, stats }, options);
  }

  async #plug(how: "attach" | "detach"): Promise<void> {
    using _lock = await this.#lock();
    const { network } = this.#stored;
    if (network === undefined) return;
    const { plugNetwork } = await import("./network/container_network.ts");
    await plugNetwork(network, how);
  }

  #subject(): { readonly id: string; readonly status: Status } {
    return { id: this.id, status: this.status() };
  }

  #lock(): Promise<Fd> {
    return this.#surroundings.store.lock(this.id);
  }

  #openInit(): Fd | undefined {
    const { init } = this.#stored;
    return init === undefined ? undefined : openIdentified(init);
  }

  #target(pidfd: Fd | undefined): SignalTarget {
    return { config: this.config, cgroups: this.#surroundings.cgroups, pidfd };
  }

  async #start(
    process: Process,
    options: StartOptions,
    lane: Lane | undefined,
  ): Promise<void> {
    const { options: asked } = process;
    const { startFirst } = await import("./first_process.ts");
    const started = await startFirst(this.#stored, asked, this.#surroundings, options, lane);
    const { init } = started;
    this.#stored = started.stored;
    init.release();
    this.#init = init;
    process.attach(init, init.streams);
  }

  /** No lock is held: any number of processes may join at once. */
  async #join(process: Process, lane: Lane | undefined): Promise<void> {
    requireJoinable(this.#subject(), process.options.ignorePaused ?? false);
    using pidfd = this.#openInit();
    if (pidfd === undefined) throw notRunning({ id: this.id, status: "stopped" });
    const { startExec } = await traced(lane, "load exec", () => import("./exec.ts"));
    const { child, streams } = await traced(
      lane,
      "exec",
      () => startExec(this.#stored, pidfd, this.#surroundings, process.options, lane),
    );
    process.attach(child, streams);
  }

  /** A hook that fails stops the container and takes it away: runtime.md, "Lifecycle". */
  async #exec(lane: Lane | undefined): Promise<void> {
    try {
      await releaseProgram(this.#stored, this.#surroundings, { lane, child: this.#init?.trace });
    } catch (error) {
      if (error instanceof ContainerError && error.code === "HookFailed") await this.#destroy(lane);
      throw error;
    }
  }

  /** Undoes all that was made, then runs the poststop hooks. */
  async #destroy(lane: Lane | undefined): Promise<void> {
    const { store, cgroups, poller, onWarning } = this.#surroundings;
    await traced(lane, "end the processes", () => this.#kill());
    await traced(lane, "remove the cgroups", () => cgroups.destroy());
    await leaveClass(this.#stored.resctrl);
    await traced(lane, "remove the network", () => this.#removeNetwork());
    traced(lane, "remove the state", () => store.remove(this.id));
    this.#init?.[Symbol.dispose]();
    if ((this.config.hooks?.poststop ?? []).length === 0) return;
    const { runPoststopHooks } = await import("./container_hooks.ts");
    for (const { summary, hint, pointer = "" } of await runPoststopHooks(this.#stored, poller)) {
      onWarning?.({ pointer, message: `${summary}; ${hint}` });
    }
  }

  /** The kernel would do it too, but later, and not in a namespace that lives on. */
  async #removeNetwork(): Promise<void> {
    const { network, init, config } = this.#stored;
    if (network === undefined) return;
    const { removeNetwork } = await import("./network/container_network.ts");
    const joined = config.linux?.namespaces?.find(({ type }) => type === "network")?.path ||
      undefined;
    await removeNetwork({ network, joined, isNamed: init !== undefined });
    if (this.#stored.hasLease !== true) return;
    const { giveLeaseBack } = await import("./container_lease.ts");
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
}
