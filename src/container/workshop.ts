/**
 * What a Factory shares with the containers that it makes and finds.
 *
 * @module
 */

import { Poller } from "../../ffi/waiting/poll.ts";
import { loadCgroupManager } from "../cgroups/choice/make_manager.ts";
import { type CgroupHost, detectAnyCgroups, detectCgroups } from "../cgroups/detect.ts";
import type { CgroupManager } from "../cgroups/manager.ts";
import type { InitKind } from "../../init/start_way.ts";
import type { Config } from "../config/types/config.ts";
import { enterUsersScope, prepareContainer } from "./late.ts";
import type { CreateOptions, PreparedContainer } from "../create/prepare_container.ts";
import { ContainerError, type Fault } from "../errors.ts";
import { isOrdinaryUser } from "../own/rights.ts";
import type { Bearer } from "../process/bearer.ts";
import type { RecentProfiles } from "../security/filters/seccomp.ts";
import { RecentPlans } from "../state/recent_plans.ts";
import type { RecentStates } from "../state/recent_states.ts";
import { StateStore } from "../state/state_store.ts";
import type { Snapshot, StoredState } from "../state/stored_state.ts";
import type { ContainerSurroundings } from "../state/surroundings.ts";
import type { Trace } from "../trace/trace.ts";

/** How a Factory makes containers. */
export interface FactoryOptions {
  /**
   * The folder that the containers' state is kept in; default `/run/hull`, for an ordinary user the
   * folder `hull` in that of XDG_RUNTIME_DIR.
   */
  readonly root?: string | undefined;
  /** How cgroups are made: by their file system (default), by systemd, or not at all. */
  readonly cgroupDriver?: "cgroupfs" | "systemd" | "disabled" | undefined;
  /**
   * The command that becomes init, for a program that is neither run by `deno run` nor calls
   * {@linkcode Factory.startInitialization}: the binary's path first.
   */
  readonly initCommand?: readonly string[] | undefined;
  /**
   * How a start goes: directly (`direct`), which takes milliseconds, or by a re-executed init
   * (`reexec`), which can do everything. Default `auto`: directly if possible.
   */
  readonly init?: InitKind | undefined;
  /**
   * Whether the program's event loop has other work, too. With `shared`, the default, a start gives
   * the loop a turn every millisecond, which costs some tenths of one. `own` is for a program that
   * does only one thing, such as hull's command line: it may also be taken into a scope of the
   * user's systemd, where that must make the cgroups.
   */
  readonly eventLoop?: "shared" | "own" | undefined;
  /** The trace that records what is done and when, also in a container's child. */
  readonly trace?: Trace | undefined;
  /**
   * Called with problems that don't keep a container from being made or removed, such as an unknown
   * capability, or a poststop hook that failed.
   */
  readonly onWarning?: ((warning: Fault) => void) | undefined;
}

/** What hull's own command line gives a Factory beside that. */
export interface InnerFactoryOptions extends FactoryOptions {
  /** The process that becomes the parent of what is started, if it is not this one. */
  readonly bearer?: Bearer | undefined;
  /** What waits for events, if it waits for other Factories as well; by default one of its own. */
  readonly poller?: Poller | undefined;
  /** What was read of states, if other Factories share it. */
  readonly states?: RecentStates | undefined;
}

/** What a Factory has. */
export class Workshop {
  readonly options: InnerFactoryOptions;
  readonly store: StateStore;
  readonly poller: Poller;
  readonly #filters: RecentProfiles;
  readonly #plans: RecentPlans;
  #host: CgroupHost | undefined;

  /** Makes nothing yet. */
  constructor(root: string, options: InnerFactoryOptions) {
    this.options = options;
    this.#filters = options.states?.filters ?? new Map();
    this.#plans = options.states?.plans ?? new RecentPlans();
    this.store = new StateStore(root, options.bearer?.pid, options.states);
    this.poller = options.poller ?? new Poller({ isAlone: options.eventLoop === "own" });
  }

  /** The cgroups of this host, detected at the first use. */
  get host(): CgroupHost {
    const { bearer, states } = this.options;
    const caller = bearer?.pid;
    this.#host ??= isOrdinaryUser()
      ? { ...detectAnyCgroups(caller), inUserNamespace: true } // nor can device rules be set by such a user
      : this.options.cgroupDriver === "disabled"
      ? detectAnyCgroups(caller, states?.host)
      : detectCgroups(caller, states?.host);
    return this.#host;
  }

  /** What a container has around it. */
  surroundingsOf({ state }: Snapshot): ContainerSurroundings {
    const { store, poller, host, options } = this;
    return {
      store,
      poller,
      filters: this.#filters,
      plans: this.#plans,
      host,
      cgroups: this.#loadCgroups(state),
      initCommand: options.initCommand,
      initKind: options.init ?? "auto",
      trace: options.trace,
      bearer: options.bearer,
      onWarning: options.onWarning,
    };
  }

  /**
   * Checks all that can be checked of a container before anything is made.
   *
   * @throws {ContainerError} what `Factory.create` throws
   */
  async prepare(
    id: string,
    config: Config | undefined,
    options: CreateOptions,
  ): Promise<PreparedContainer> {
    const folder = this.store.folder(id);
    const { cgroupDriver: driver = "cgroupfs", onWarning, eventLoop } = this.options;
    if (driver === "systemd" && eventLoop === "own" && isOrdinaryUser()) {
      await enterUsersScope();
      this.#host = undefined; // it knows where this program is
    }
    const host = () => this.host;
    return await prepareContainer({ id, folder, config, options, host, driver, onWarning });
  }

  #loadCgroups({ id, cgroupPaths, systemdUnit }: StoredState): CgroupManager {
    try {
      return loadCgroupManager(this.host, cgroupPaths, systemdUnit);
    } catch (error) {
      if (!(error instanceof ContainerError && error.code === "ConfigInvalid")) throw error;
      throw this.store.broken(id, `names a cgroup that is none of this host: ${error.path}`);
    }
  }
}
