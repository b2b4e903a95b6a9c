/**
 * A container: logical first (an id, a folder, a config, cgroups), then with processes in it.
 *
 * @module
 */

import type { Fd } from "../ffi/file.ts";
import type { Poller } from "../ffi/poll.ts";
import { type ExitStatus, openPidfd, signalPidfd } from "../ffi/process.ts";
import { isNew } from "../init/steps/namespaces.ts";
import type { CgroupHost } from "./cgroups/detect.ts";
import type { CgroupManager } from "./cgroups/manager.ts";
import type { Stats } from "./cgroups/stats.ts";
import type { Config, Resources } from "./config/types.ts";
import { ContainerError } from "./errors.ts";
import type { ContainerEvent, EventOptions } from "./events.ts";
import { openExitRecord, readExitRecord, writeExitRecord } from "./exit_record.ts";
import { InitProcess } from "./init_process.ts";
import { releaseStart, removeFifos, START_FIFO } from "./init_status.ts";
import { makeOciState, type OciState, type Status } from "./oci_state.ts";
import { requireSignal } from "./parent_process.ts";
import type { Process } from "./process.ts";
import { identify, isAlive, type ProcessIdentity } from "./process_identity.ts";
import { configToStart } from "./start_config.ts";
import type { StateStore, StoredState } from "./state_store.ts";

/** The spec's state with what hull knows beside it. */
export interface State extends OciState {
  /** The root file system's folder. */
  readonly rootfs: string;
  /** When it was created: RFC 3339, UTC. */
  readonly created: string;
  /** Each cgroup controller's folder. */
  readonly cgroupPaths: Readonly<Record<string, string>>;
}

/** How a container's first process is made, beyond its config. */
export interface StartOptions {
  /** Enter the rootfs by a move and chroot in place of pivot_root; for a rootfs on a ramfs. */
  readonly noPivot?: boolean | undefined;
  /** Keep the caller's session keyring. */
  readonly noNewKeyring?: boolean | undefined;
  /**
   * The process that the first one is left to when this program ends, and that records how it
   * ended: see `src/supervisor.ts`.
   */
  readonly supervisor?: ProcessIdentity | undefined;
}

/** What a Factory gives each of its containers. */
export interface ContainerSurroundings {
  readonly store: StateStore;
  readonly poller: Poller;
  readonly host: CgroupHost;
  readonly cgroups: CgroupManager;
  readonly initCommand: readonly string[] | undefined;
  /** Takes what went wrong without keeping anything from being done. */
  readonly warn: (warning: ContainerError) => void;
}

const SIGKILL = 9;

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

  /** Its config. */
  get config(): Config {
    return this.#stored.config;
  }

  /**
   * Starts a process: the container's first, which then waits for {@linkcode Container.exec}.
   *
   * @throws {ContainerError} `InitFailed` with step, syscall, errno and path; `ContainerNotStopped`
   *   if it has a first process already
   */
  async start(process: Process, options: StartOptions = {}): Promise<void> {
    using _lock = await this.#lock();
    await this.#start(process, options);
  }

  /** Starts a process and lets it run at once. Throws what `start` and `exec` throw. */
  async run(process: Process, options: StartOptions = {}): Promise<void> {
    using _lock = await this.#lock();
    await this.#start(process, options);
    await this.#exec();
  }

  /**
   * Lets the created first process run the user's program.
   *
   * @throws {ContainerError} `ContainerNotStopped` if it runs already, `ContainerNotRunning` if it
   *   has ended, `InitFailed` if the program can't be executed
   */
  async exec(): Promise<void> {
    using _lock = await this.#lock();
    const status = this.status();
    if (status === "created") return await this.#exec();
    if (status === "running" || status === "paused") {
      throw new ContainerError("ContainerNotStopped", `container ${this.id} runs already`);
    }
    throw new ContainerError("ContainerNotRunning", `container ${this.id} is ${status}`, {
      hint: "only a created container can be started",
    });
  }

  /** Where it is in its life. */
  status(): Status {
    const { init } = this.#stored;
    if (init === undefined) return isAlive(this.#stored.creator) ? "creating" : "stopped";
    if (!isAlive(init)) return "stopped";
    if (this.#surroundings.cgroups.freezerState() === "frozen") return "paused";
    return exists(`${this.folder}/${START_FIFO}`) ? "created" : "running";
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

  /** What it uses. */
  stats(): Stats {
    return this.#surroundings.cgroups.stats();
  }

  /**
   * Changes its limits, and keeps them with the container; what the resources don't name stays. If
   * one can't be set, those before are set again.
   *
   * @throws {ContainerError} `ConfigInvalid` with pointers that begin at the resources,
   *   `ContainerNotRunning`, `Unsupported`, `SystemError`
   */
  async set(resources: Resources): Promise<void> {
    using _lock = await this.#lock();
    const { updateResources } = await import("./update_resources.ts");
    const { store, cgroups, warn } = this.#surroundings;
    const status = this.status();
    if (status === "stopped" || status === "creating") throw notRunning(this.id, status);
    this.#stored = updateResources(store, this.#stored, cgroups, resources, warn);
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
    let wasThere = pidfd !== undefined && signalPidfd(pidfd, number);
    if (number === SIGKILL) wasThere = this.#killRest() || wasThere;
    if (!wasThere) {
      throw new ContainerError("ContainerNotRunning", `container not running: ${this.id}`);
    }
  }

  /**
   * What a SIGKILL of the first process leaves: those beside it, which end with it only if the pid
   * namespace is the container's own, and a freezer of cgroup v1 in which nothing dies.
   *
   * @returns whether it killed any
   */
  #killRest(): boolean {
    const { cgroups } = this.#surroundings;
    if (Object.keys(cgroups.paths).length === 0) return false;
    const isShared = !isNew(this.config.linux?.namespaces ?? [], "pid");
    const rest = isShared ? cgroups.processes({ all: true }).length : 0;
    if (rest > 0 || cgroups.freezerState() === "frozen") cgroups.kill(SIGKILL);
    return rest > 0;
  }

  /**
   * Stops all its processes where they are.
   *
   * @throws {ContainerError} `ContainerNotRunning` unless it is created, running or paused
   */
  async pause(): Promise<void> {
    const status = this.status();
    if (status !== "running" && status !== "created" && status !== "paused") {
      throw notRunning(this.id, status);
    }
    await this.#surroundings.cgroups.freeze();
  }

  /**
   * Lets them go on.
   *
   * @throws {ContainerError} `ContainerNotPaused`
   */
  async resume(): Promise<void> {
    const status = this.status();
    if (status !== "paused") {
      throw new ContainerError(
        "ContainerNotPaused",
        `container not paused: ${this.id} is ${status}`,
      );
    }
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
      const status = await this.#init.wait();
      writeExitRecord(this.folder, this.#init.pid, status);
      return status;
    }
    using record = openExitRecord(this.folder);
    using pidfd = this.#openInit();
    if (pidfd !== undefined) await this.#surroundings.poller.wait(pidfd);
    if (record === undefined) return undefined;
    const { supervisor } = this.#stored;
    using writer = supervisor === undefined ? undefined : openIdentified(supervisor);
    if (writer !== undefined) await this.#surroundings.poller.wait(writer);
    return readExitRecord(record);
  }

  /** How its first process ended, as far as anybody has recorded it: see {@linkcode wait}. */
  exitStatus(): ExitStatus | undefined {
    using record = openExitRecord(this.folder);
    return record === undefined ? undefined : readExitRecord(record);
  }

  /**
   * Removes the container with all it has on the host; a created one is killed first.
   *
   * @param options `force` kills a running one
   * @throws {ContainerError} `ContainerNotStopped` if it runs
   */
  async destroy(options: { readonly force?: boolean } = {}): Promise<void> {
    using _lock = await this.#lock();
    const status = this.status();
    if ((status === "running" || status === "paused") && options.force !== true) {
      throw new ContainerError("ContainerNotStopped", `container ${this.id} is ${status}`, {
        hint: "kill it first, or use force",
      });
    }
    await this.#destroy();
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
    if (init === undefined) throw notRunning(this.id, this.status());
    const { poller, cgroups } = this.#surroundings;
    const { id } = this;
    const stats = () => this.stats();
    return watchEvents({ id, init, cgroupPaths: cgroups.paths, poller, stats }, options);
  }

  #lock(): Promise<Fd> {
    return this.#surroundings.store.lock(this.id);
  }

  #openInit(): Fd | undefined {
    const { init } = this.#stored;
    return init === undefined ? undefined : openIdentified(init);
  }

  async #start(process: Process, options: StartOptions): Promise<void> {
    const { store, cgroups, host, poller, initCommand } = this.#surroundings;
    if (this.#stored.init !== undefined) {
      throw new ContainerError("ContainerNotStopped", `container ${this.id} has a first process`, {
        hint: "a further process in a running container is not there yet",
      });
    }
    const { rootfs } = this.#stored;
    const config = configToStart(this.#stored.config, rootfs, process.options);
    const init = new InitProcess({
      id: this.id,
      folder: this.folder,
      rootfs,
      config,
      process: process.options,
      host,
      cgroups,
      poller,
      command: initCommand,
      noPivot: options.noPivot ?? false,
      noNewKeyring: options.noNewKeyring ?? false,
      onTmpfs: rootfs === `${this.folder}/rootfs`, // the built-in default's
      runHooks: async (pid) => await (await loadHooks()).runCreateHooks(this.#stored, pid, poller),
    });
    try {
      cgroups.create();
      cgroups.apply(config.linux?.resources ?? {});
      await init.start();
      const identity = identify(init.pid);
      if (identity === undefined) throw new ContainerError("InitFailed", "init has ended");
      const { supervisor } = options;
      this.#stored = { ...this.#stored, config, init: identity, supervisor };
      store.write(this.#stored);
    } catch (error) {
      await this.#abandon(init);
      throw error;
    }
    init.release();
    this.#init = init;
    process.attach(init, init.streams);
  }

  /** Undoes a start that failed; the container is then as it was before. */
  async #abandon(init: InitProcess): Promise<void> {
    await init.terminate();
    init[Symbol.dispose]();
    await this.#surroundings.cgroups.destroy();
    removeFifos(this.folder);
  }

  /** A hook that fails stops the container and takes it away: runtime.md, "Lifecycle". */
  async #exec(): Promise<void> {
    const { cgroups, poller } = this.#surroundings;
    const { startContainer = [], poststart = [] } = this.config.hooks ?? {};
    const pid = this.#stored.init?.pid ?? 0;
    try {
      if (startContainer.length > 0) {
        using pidfd = this.#openInit();
        const { runStartHooks } = await loadHooks();
        if (pidfd !== undefined) await runStartHooks(this.#stored, pid, pidfd, cgroups, poller);
      }
      await releaseStart(this.folder, poller);
      if (poststart.length > 0) {
        await (await loadHooks()).runPoststartHooks(this.#stored, pid, poller);
      }
    } catch (error) {
      if (error instanceof ContainerError && error.code === "HookFailed") await this.#destroy();
      throw error;
    }
  }

  /** Undoes all that was made, then runs the poststop hooks. */
  async #destroy(): Promise<void> {
    const { store, cgroups, poller, warn } = this.#surroundings;
    await this.#kill();
    await cgroups.destroy();
    store.remove(this.id);
    this.#init?.[Symbol.dispose]();
    if ((this.config.hooks?.poststop ?? []).length === 0) return;
    const { runPoststopHooks } = await loadHooks();
    for (const failure of await runPoststopHooks(this.#stored, poller)) warn(failure);
  }

  /** Ends every process, and waits for the first one's end. */
  async #kill(): Promise<void> {
    const { cgroups, poller } = this.#surroundings;
    using pidfd = this.#openInit();
    if (pidfd !== undefined) signalPidfd(pidfd, SIGKILL);
    if (cgroups.freezerState() === "frozen") await cgroups.thaw();
    // Without cgroups the pid namespace's end, which comes with its first process, has to do.
    if (Object.keys(cgroups.paths).length > 0) cgroups.kill(SIGKILL);
    if (this.#init !== undefined) await this.#init.wait();
    else if (pidfd !== undefined) await poller.wait(pidfd);
  }
}

function notRunning(id: string, status: Status): ContainerError {
  return new ContainerError("ContainerNotRunning", `container not running: ${id} is ${status}`);
}

/** Most containers have no hooks, and load nothing of them. */
function loadHooks(): Promise<typeof import("./container_hooks.ts")> {
  return import("./container_hooks.ts");
}

/** A pidfd of the very process, or undefined if it has ended. */
function openIdentified(identity: ProcessIdentity): Fd | undefined {
  if (!isAlive(identity)) return undefined;
  try {
    const pidfd = openPidfd(identity.pid);
    if (isAlive(identity)) return pidfd;
    pidfd.close();
  } catch { /* it ended in between */ }
  return undefined;
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false; // unlinked at the start, or with the whole container
  }
}
