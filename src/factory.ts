/**
 * Makes containers, and finds those that are there.
 *
 * @module
 */

import { resolve } from "@std/path/posix/resolve";
import { Poller } from "../ffi/poll.ts";
import { INIT_VARIABLE } from "../init/variables.ts";
import { type CgroupHost, detectCgroups } from "./cgroups/detect.ts";
import { loadCgroupManager } from "./cgroups/make_manager.ts";
import type { CgroupManager } from "./cgroups/manager.ts";
import type { Config } from "./config/types.ts";
import { Container } from "./container.ts";
import type { LeasedNetwork } from "./container_lease.ts";
import type { InitKind } from "./direct_start.ts";
import { ContainerError, type Fault } from "./errors.ts";
import type { StartOptions } from "./first_process.ts";
import { hasRecords } from "./network/hull_bridge/folder.ts";
import type { Status } from "./oci_state.ts";
import type { ContainerPlan } from "./plan_container.ts";
import type { CreateOptions, PreparedContainer } from "./prepare_container.ts";
import type { Process } from "./process.ts";
import { identify, type ProcessIdentity } from "./process_identity.ts";
import type { RecentProfiles } from "./security/seccomp.ts";
import { isAbandoned, StateStore, type StoredState } from "./state_store.ts";
import type { Lane, Trace } from "./trace.ts";
import { traced } from "./traced.ts";

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
  readonly status: Status;
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
  #creator: ProcessIdentity | undefined;

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
   */
  async create(id: string, config?: Config, options: CreateOptions = {}): Promise<Container> {
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
    const { builtin, valid, bundle, rootfs, cgroups, mode } = prepared;
    await traced(lane, "make the state folder", () => this.#makeFolder(id));
    const lease = await traced(lane, "lease addresses", () => this.#lease(id, prepared));
    const network = lease?.network ?? prepared.network;
    const stored: StoredState = {
      format: 1,
      id,
      bundle,
      rootfs,
      created: new Date().toISOString(),
      creator: this.#creator ??= identify(Deno.pid) as ProcessIdentity,
      cgroupPaths: cgroups.paths,
      ...(network === undefined ? {} : { network }),
      ...(lease === undefined ? {} : { hasLease: true }),
      ...(mode?.kind === "none" ? { loopbackDown: true } : {}),
      config: valid,
    };
    try {
      traced(lane, "look whether the cgroup is free", () => requireFreeCgroup(id, cgroups));
      builtin?.write(rootfs, lease?.addresses);
      traced(lane, "keep the config", () => this.#store.write(stored));
    } catch (error) {
      try {
        await lease?.giveBack();
      } finally {
        this.#store.remove(id);
      }
      throw error;
    }
    return this.#container(stored);
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
    const { planContainer } = await import("./plan_container.ts");
    const prepared = await this.#prepare(id, options.config, options);
    const { builtin, valid, network, rootfs, cgroups, mode } = prepared;
    const scratch = builtin === undefined ? undefined : Deno.makeTempDirSync({ prefix: "hull-" });
    try {
      const look = scratch === undefined ? rootfs : `${scratch}/rootfs`;
      builtin?.write(look);
      const { configToStart } = await import("./start_config.ts");
      const { filterOf } = await import("./container_filter.ts");
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
   * @throws {ContainerError} `InvalidIdFormat`, `ContainerNotExists`
   */
  load(id: string): Container {
    const stored = this.#store.read(id);
    if (stored !== undefined) return this.#container(stored);
    throw new ContainerError("ContainerNotExists", `container ${id} was never wholly made`, {
      path: this.#store.folder(id),
      hint: "creating one of the same id takes its place",
    });
  }

  /** The ids that are taken, those of half-made containers too. */
  ids(): string[] {
    return this.#store.ids();
  }

  /** All containers; those that vanish meanwhile are left out. */
  list(): ContainerInfo[] {
    return this.#store.ids().flatMap((id) => {
      try {
        return [this.info(id)];
      } catch (error) {
        if (error instanceof ContainerError && error.code === "ContainerNotExists") return [];
        throw error;
      }
    });
  }

  /**
   * What a list says of one container.
   *
   * @throws {ContainerError} `InvalidIdFormat`, `ContainerNotExists`
   */
  info(id: string): ContainerInfo {
    const container = this.load(id);
    const { cgroupPaths: _, ...state } = container.state();
    const ended = state.status === "stopped" ? container.exitStatus() : undefined;
    return {
      ...state,
      ...(ended === undefined ? {} : { exitCode: ended.code }),
      ...(ended?.oomKilled === true ? { oomKilled: true } : {}),
      ownerUid: Deno.lstatSync(container.folder).uid ?? 0,
    };
  }

  /**
   * Destroys the container of an id, even one that was never wholly made.
   *
   * @param options `force` kills a running one
   * @throws {ContainerError} `InvalidIdFormat`, `ContainerNotExists`, `ContainerNotStopped`
   */
  async remove(id: string, options: { readonly force?: boolean } = {}): Promise<void> {
    const stored = this.#store.read(id);
    if (stored !== undefined) await this.#container(stored).destroy(options);
    else if (options.force === true || !this.#store.isFresh(id)) await this.#removeHalfMade(id);
    else throw idInUse(id, this.#store.folder(id));
  }

  /** What was never wholly made may have an address already. */
  async #removeHalfMade(id: string): Promise<void> {
    this.#store.remove(id);
    if (hasRecords(this.root)) {
      await (await import("./container_lease.ts")).giveLeaseBack(this.#store);
    }
  }

  /** The address on a bridge of hull's own, if it is asked for; without one the id is free again. */
  async #lease(id: string, { network, mode }: PreparedContainer): Promise<Lease | undefined> {
    if (mode?.kind !== "bridge" || network === undefined) return undefined;
    try {
      const { takeLease, giveLeaseBack } = await import("./container_lease.ts");
      const leased = await takeLease(this.#store, id, mode, network);
      return { ...leased, giveBack: () => giveLeaseBack(this.#store, network.owner) };
    } catch (error) {
      this.#store.remove(id);
      throw error;
    }
  }

  async #prepare(
    id: string,
    config: Config | undefined,
    options: CreateOptions,
  ): Promise<PreparedContainer> {
    const folder = this.#store.folder(id);
    const { prepareContainer } = await import("./prepare_container.ts");
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
    this.#host ??= detectCgroups();
    return this.#host;
  }

  #container(stored: StoredState): Container {
    const host = this.#cgroupHost();
    return new Container(stored, {
      store: this.#store,
      poller: this.#poller,
      filters: this.#filters,
      host,
      cgroups: loadCgroupManager(host, stored.cgroupPaths),
      initCommand: this.#options.initCommand,
      initKind: this.#options.init ?? "auto",
      trace: this.#options.trace,
      onWarning: this.#options.onWarning,
    });
  }

  /** Takes the id; what a creator left that was killed meanwhile gives way. */
  async #makeFolder(id: string): Promise<void> {
    if (this.#store.make(id)) return;
    const stored = this.#store.read(id);
    if (stored === undefined) {
      if (this.#store.isFresh(id)) throw idInUse(id, this.#store.folder(id));
      await this.#removeHalfMade(id);
    } else {
      if (!isAbandoned(stored)) throw idInUse(id, this.#store.folder(id));
      await this.#container(stored).destroy({ force: true });
    }
    if (!this.#store.make(id)) throw idInUse(id, this.#store.folder(id));
  }
}

/** An address that was taken, and the network with it. */
interface Lease extends LeasedNetwork {
  giveBack(): Promise<void>;
}

function idInUse(id: string, path: string): ContainerError {
  return new ContainerError("IdInUse", `container with id exists: ${id}`, {
    path,
    hint: "delete it first, or choose another id",
  });
}

function requireFreeCgroup(id: string, cgroups: CgroupManager): void {
  const used = (what: string) =>
    new ContainerError("IdInUse", `the cgroup of container ${id} ${what}`, {
      path: Object.values(cgroups.paths)[0],
      pointer: "/linux/cgroupsPath",
      hint: "choose another linux.cgroupsPath or id",
    });
  if (!cgroups.exists()) return;
  if (cgroups.processes({ all: true }).length > 0) throw used("holds processes");
  if (cgroups.freezerState() === "frozen") throw used("is frozen");
}
