/**
 * Makes containers, and finds those that are there.
 *
 * @module
 */

import { resolve } from "@std/path/posix/resolve";
import { Poller } from "../ffi/waiting/poll.ts";
import { INIT_VARIABLE } from "../init/operations/variables.ts";
import { type CgroupHost, detectAnyCgroups, detectCgroups } from "./cgroups/detect.ts";
import { loadCgroupManager } from "./cgroups/choice/make_manager.ts";
import type { CgroupManager } from "./cgroups/manager.ts";
import type { Config } from "./config/types/config.ts";
import { OCI_VERSION_MAX } from "./config/validate/document.ts";
import { Container, type DestroyOptions } from "./container.ts";
import type { LeasedNetwork } from "./network/container_lease.ts";
import type { InitKind } from "./config/start_way.ts";
import { ContainerError, type Fault } from "./errors.ts";
import type { StartOptions } from "./start/first_process.ts";
import { hasRecords } from "./network/hull_bridge/folder.ts";
import type { Status } from "./state/oci_state.ts";
import type { ContainerPlan } from "./birth/plan_container.ts";
import type { CreateOptions, PreparedContainer } from "./create/prepare_container.ts";
import type { Process } from "./process.ts";
import type { RecentProfiles } from "./security/filters/seccomp.ts";
import { STATE_FORMAT } from "./state/state_shape.ts";
import { isAbandoned, type Snapshot, StateStore } from "./state/state_store.ts";
import type { StoredState } from "./state/stored_state.ts";
import type { Lane, Trace } from "./trace/trace.ts";
import { traced } from "./trace/traced.ts";
import { undone } from "./failures/undo.ts";

/** How a Factory makes containers. */
export interface FactoryOptions {
  /** The folder that the containers' state is kept in; default `/run/hull`. */
  readonly root?: string | undefined;
  /** How cgroups are made: by their file system (default), by systemd (not yet), or not at all. */
  readonly cgroupDriver?: "cgroupfs" | "systemd" | "disabled" | undefined;
  /**
   * The command that becomes init, for a program that is neither run by `deno run` nor calls
   * {@linkcode Factory.startInitialization}: the binary's path first.
   */
  readonly initCommand?: readonly string[] | undefined;
  /**
   * Who walks the plan inside: the child itself (`direct`), which takes milliseconds, or the
   * re-executed init (`reexec`), which can do everything. Default `auto`: directly where that can be.
   */
  readonly init?: InitKind | undefined;
  /**
   * Whether the program's event loop has other work, too (`shared`, the default): a start lets it go
   * on every millisecond then, which takes some tenths of one. `own` is for a program that does
   * one thing, such as hull's command line.
   */
  readonly eventLoop?: "shared" | "own" | undefined;
  /** Where it is written down what is done when, and by a container's child. */
  readonly trace?: Trace | undefined;
  /**
   * Hears of what keeps no container from being made or removed, such as an unknown capability, or a
   * poststop hook that failed.
   */
  readonly onWarning?: ((warning: Fault) => void) | undefined;
}

/** What a plan is made of. */
export interface PlanOptions extends CreateOptions, StartOptions {
  /** The config; the built-in default without one. */
  readonly config?: Config | undefined;
}

/** One line of a list. */
export interface ContainerInfo {
  /** The version of the runtime-spec that the state follows. */
  readonly ociVersion: string;
  readonly id: string;
  /** The first process on the host; 0 once it has ended. */
  readonly pid: number;
  /** `broken`: its state can't be read, and nothing more is known of it. */
  readonly status: Status | "broken";
  readonly bundle: string;
  readonly rootfs: string;
  /** RFC 3339, UTC. */
  readonly created: string;
  /** How the first process ended, once somebody knows: its exit code, or 128 and the signal. */
  readonly exitCode?: number | undefined;
  /** Whether the kernel ended it for want of memory: see {@linkcode ExitStatus}. */
  readonly oomKilled?: boolean | undefined;
  /** The user who owns the state folder, by number. */
  readonly ownerUid: number;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** Of a broken one: what is wrong with it. */
  readonly problem?: string | undefined;
}

/** The default root folder. */
export const DEFAULT_ROOT = "/run/hull";

/**
 * Makes and loads containers under one root folder.
 *
 * @example List what there is
 * ```ts
 * import { assert } from "@std/assert";
 * import { Factory } from "./factory.ts";
 *
 * const factory = new Factory({ root: "/run/hull-example" });
 * assert(factory.list().length === 0);
 * ```
 */
export class Factory {
  /** The folder that the containers' state is kept in. */
  readonly root: string;
  readonly #options: FactoryOptions;
  readonly #store: StateStore;
  readonly #poller: Poller;
  readonly #filters: RecentProfiles = new Map();
  #host: CgroupHost | undefined;

  /** Makes nothing yet. */
  constructor(options: FactoryOptions = {}) {
    this.root = resolve(options.root ?? DEFAULT_ROOT);
    this.#options = options;
    this.#store = new StateStore(this.root);
    this.#poller = new Poller({ isAlone: options.eventLoop === "own" });
  }

  /**
   * Becomes init if this process was started as one, and does not return then. A program that is
   * compiled with hull inside awaits it first thing in its main.
   */
  static async startInitialization(): Promise<void> {
    if (Deno.env.has(INIT_VARIABLE)) await (await import("../init/init.ts")).startInitialization();
  }

  /**
   * Makes a container, without a process yet. It is made whole or not at all.
   *
   * @param id 1 to 255 letters, digits and `_+.-`
   * @param config what config.json holds; all its faults are reported at once. Without one it is
   *   the built-in default: the host's /usr read-only, all else private
   * @throws {ContainerError} `InvalidIdFormat`, `ConfigInvalid`, `Unsupported`, `IdInUse`,
   *   `SystemError`
   * @throws the signal's reason
   */
  async create(id: string, config?: Config, options: CreateOptions = {}): Promise<Container> {
    options.signal?.throwIfAborted();
    using taken = this.#options.trace?.take();
    const lane = taken?.lane;
    return await traced(lane, "create", () => this.#create(id, config, options, lane));
  }

  async #create(
    id: string,
    config: Config | undefined,
    options: CreateOptions,
    lane: Lane | undefined,
  ): Promise<Container> {
    const prepare = () => this.#prepare(id, config, options);
    const prepared = await traced(lane, "check the config", prepare);
    const { builtin, cgroups } = prepared;
    const { signal } = options;
    signal?.throwIfAborted();
    await traced(lane, "look whether the id is free", () => this.#requireFree(id, signal));
    const own = traced(lane, "look whether the cgroup is free", () => cgroups.claim());
    using folder = traced(lane, "make the state folder", () => this.#store.begin(id));
    let lease: Lease | undefined;
    try {
      lease = await traced(lane, "lease addresses", () => this.#lease(id, prepared, signal));
      builtin?.write(`${folder.path}/rootfs`, lease?.addresses);
      const stored = this.#newState(id, prepared, options, own, lease);
      signal?.throwIfAborted();
      const snapshot = traced(lane, "keep the config", () => folder.place(stored));
      if (snapshot === undefined) throw this.#taken(id);
      return this.#container(snapshot);
    } catch (error) {
      throw await undone(error, () => folder[Symbol.dispose](), () => lease?.giveBack());
    }
  }

  #newState(
    id: string,
    prepared: PreparedContainer,
    { driver }: CreateOptions,
    ownCgroups: readonly string[],
    lease: Lease | undefined,
  ): StoredState {
    const { valid, bundle, rootfs, cgroups, mode } = prepared;
    const network = lease?.network ?? prepared.network;
    return {
      format: STATE_FORMAT,
      id,
      bundle,
      rootfs,
      created: new Date().toISOString(),
      creator: this.#store.me,
      ...(driver === undefined ? {} : { driver }),
      cgroupPaths: cgroups.paths,
      ownCgroups,
      ...(network === undefined ? {} : { network }),
      ...(lease === undefined ? {} : { hasLease: true }),
      ...(mode?.kind === "none" ? { loopbackDown: true } : {}),
      config: valid,
    };
  }

  /**
   * What a start would do, as system calls; nothing is made.
   *
   * @param id as of {@linkcode Factory.create}
   * @param process what would be run
   * @param options the config (without one the built-in default), and how it would be started
   * @throws {ContainerError} `InvalidIdFormat`, `ConfigInvalid`, `Unsupported`
   */
  async plan(id: string, process: Process, options: PlanOptions = {}): Promise<ContainerPlan> {
    const { planContainer } = await import("./birth/plan_container.ts");
    const prepared = await this.#prepare(id, options.config, options);
    const { builtin, valid, network, rootfs, cgroups, mode } = prepared;
    const scratch = builtin === undefined ? undefined : Deno.makeTempDirSync({ prefix: "hull-" });
    try {
      const look = scratch === undefined ? rootfs : `${scratch}/rootfs`;
      builtin?.write(look);
      const { configToStart } = await import("./wishes/start_config.ts");
      const { filterOf } = await import("./process/container_filter.ts");
      const config = configToStart(valid, look, process.options, this.#options.onWarning);
      return planContainer({
        id,
        rootfs,
        look,
        config,
        seccomp: await filterOf(config, this.root, { keep: false }),
        host: this.#cgroupHost(),
        cgroups,
        command: this.#options.initCommand,
        kind: options.init ?? this.#options.init ?? "auto",
        hasInterfaces: network !== undefined,
        noPivot: options.noPivot ?? false,
        keyring: options.noNewKeyring === true ? "" : `_ses.${id}`,
        onTmpfs: builtin !== undefined,
        loopbackDown: mode?.kind === "none",
      });
    } finally {
      if (scratch !== undefined) Deno.removeSync(scratch, { recursive: true });
    }
  }

  /**
   * The container of an id.
   *
   * @throws {ContainerError} `InvalidIdFormat`, `ContainerNotExists`, `StateInvalid`
   */
  load(id: string): Container {
    return this.#container(this.#store.read(id));
  }

  /** The ids that are taken by containers. */
  ids(): string[] {
    return this.#store.ids();
  }

  /**
   * All containers, those whose state is broken as such; those that vanish meanwhile are left out.
   */
  list(): ContainerInfo[] {
    return this.#store.ids().flatMap((id) => {
      try {
        return [this.info(id)];
      } catch (error) {
        if (!(error instanceof ContainerError)) throw error;
        if (error.code === "ContainerNotExists") return [];
        return [this.#brokenInfo(id, error)];
      }
    });
  }

  /**
   * What a list says of one container.
   *
   * @throws {ContainerError} `InvalidIdFormat`, `ContainerNotExists`, `StateInvalid`
   */
  info(id: string): ContainerInfo {
    const container = this.load(id);
    const { cgroupPaths: _, ...state } = container.state();
    const ended = state.status === "stopped" ? container.exitStatus() : undefined;
    return {
      ...state,
      ...(ended === undefined ? {} : { exitCode: ended.code }),
      ...(ended?.oomKilled === true ? { oomKilled: true } : {}),
      ownerUid: this.#store.owner(id),
    };
  }

  /**
   * Destroys the container of an id.
   *
   * @param options `force` kills a running one, ends what can be found of one whose state is broken,
   *   and removes a folder in its place that is empty; `signal` as of `Container.destroy`
   * @throws {ContainerError} `InvalidIdFormat`, `ContainerNotExists`, `ContainerNotStopped`,
   *   `StateInvalid` for a broken state without `force`
   * @throws the signal's reason
   */
  async remove(id: string, options: DestroyOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    await this.removeLeftovers();
    let container: Container;
    try {
      container = this.load(id);
    } catch (error) {
      if (!(error instanceof ContainerError && options.force === true)) throw error;
      if (error.code === "StateInvalid") return await this.#removeBroken(id);
      if (error.code === "ContainerNotExists" && this.#store.removeEmpty(id)) return;
      throw error;
    }
    await container.destroy(options);
  }

  /**
   * Removes what programs left that were killed while they made a container, or removed one. A removal
   * does it, too.
   */
  async removeLeftovers(): Promise<void> {
    // What was being made may have had an address already.
    if (!this.#store.sweep() || !hasRecords(this.root)) return;
    await (await import("./network/container_lease.ts")).giveLeaseBack(this.#store);
  }

  async #removeBroken(id: string): Promise<void> {
    const { removeBroken } = await import("./life/broken_container.ts");
    const { cgroupDriver: driver = "cgroupfs" } = this.#options;
    const host = this.#cgroupHost();
    await removeBroken({ id, store: this.#store, poller: this.#poller, host, driver });
  }

  #brokenInfo(id: string, { message }: ContainerError): ContainerInfo {
    const look = (path: string) => {
      try {
        return Deno.lstatSync(path);
      } catch {
        return undefined; // it has gone meanwhile
      }
    };
    const folder = this.#store.folder(id);
    const made = look(folder);
    return {
      ociVersion: OCI_VERSION_MAX,
      id,
      pid: 0,
      status: "broken",
      bundle: "",
      rootfs: "",
      created: (made?.mtime ?? new Date(0)).toISOString(),
      ownerUid: made?.uid ?? 0,
      problem: message,
    };
  }

  /** The address on a bridge of hull's own, if it is asked for. */
  async #lease(
    id: string,
    { network, mode }: PreparedContainer,
    signal: AbortSignal | undefined,
  ): Promise<Lease | undefined> {
    if (mode?.kind !== "bridge" || network === undefined) return undefined;
    const { takeLease, giveLeaseBack } = await import("./network/container_lease.ts");
    const leased = await takeLease(this.#store, id, mode, network, signal);
    return { ...leased, giveBack: () => giveLeaseBack(this.#store, network.owner) };
  }

  async #prepare(
    id: string,
    config: Config | undefined,
    options: CreateOptions,
  ): Promise<PreparedContainer> {
    const folder = this.#store.folder(id);
    const { prepareContainer } = await import("./create/prepare_container.ts");
    return await prepareContainer({
      id,
      folder,
      config,
      options,
      host: () => this.#cgroupHost(),
      driver: this.#options.cgroupDriver ?? "cgroupfs",
      onWarning: this.#options.onWarning,
    });
  }

  #cgroupHost(): CgroupHost {
    const isWithout = this.#options.cgroupDriver === "disabled";
    this.#host ??= isWithout ? detectAnyCgroups() : detectCgroups();
    return this.#host;
  }

  #container(snapshot: Snapshot): Container {
    const host = this.#cgroupHost();
    const { id, cgroupPaths } = snapshot.state;
    return new Container(snapshot, {
      store: this.#store,
      poller: this.#poller,
      filters: this.#filters,
      host,
      cgroups: this.#loadCgroups(id, host, cgroupPaths),
      initCommand: this.#options.initCommand,
      initKind: this.#options.init ?? "auto",
      trace: this.#options.trace,
      onWarning: this.#options.onWarning,
    });
  }

  #loadCgroups(id: string, host: CgroupHost, paths: StoredState["cgroupPaths"]): CgroupManager {
    try {
      return loadCgroupManager(host, paths);
    } catch (error) {
      if (!(error instanceof ContainerError && error.code === "ConfigInvalid")) throw error;
      throw this.#store.broken(id, `names a cgroup that is none of this host: ${error.path}`);
    }
  }

  /** What a creator left that was killed before it had a first process gives way. */
  async #requireFree(id: string, signal: AbortSignal | undefined): Promise<void> {
    switch (this.#store.occupant(id)) {
      case "none":
        return;
      case "other":
        throw this.#taken(id);
      case "container": {
        const snapshot = this.#readIfSound(id);
        if (snapshot === undefined || !isAbandoned(snapshot.state)) throw this.#taken(id);
        await this.#container(snapshot).destroy({ force: true, signal });
      }
    }
  }

  #readIfSound(id: string): Snapshot | undefined {
    try {
      return this.#store.read(id);
    } catch (error) {
      if (error instanceof ContainerError && error.code === "StateInvalid") return undefined;
      throw error;
    }
  }

  #taken(id: string): ContainerError {
    const path = this.#store.folder(id);
    if (this.#store.occupant(id) === "other") {
      return new ContainerError("IdInUse", `${path} is there, and is not hull's`, {
        path,
        hint: "hull leaves alone what it did not make: choose another id, or move it away",
      });
    }
    return new ContainerError("IdInUse", `container with id exists: ${id}`, {
      path,
      hint: "delete it first, or choose another id",
    });
  }
}

/** An address that was taken, and the network with it. */
interface Lease extends LeasedNetwork {
  giveBack(): Promise<void>;
}
