/**
 * Makes containers, and finds those that are there.
 *
 * @module
 */

import { resolve } from "../std/path/posix/resolve.ts";
import { type AbortOptions, unlessAborted } from "../ffi/waiting/abort.ts";
import { INIT_VARIABLE } from "../init/init_variable.ts";
import type { ContainerPlan } from "./birth/rehearsal.ts";
import type { Config } from "./config/types/config.ts";
import { type Container, type DestroyOptions, makeContainer } from "./container.ts";
import type { Inspection } from "./container/inspection.ts";
import { KnownContainer } from "./container/known_container.ts";
import { giveLeaseBack, inspect, planStart, removeBroken } from "./container/late.ts";
import { brokenInfo, type ContainerInfo } from "./container/listed.ts";
import type { PlanOptions } from "./create/plan_start.ts";
import { type FactoryOptions, Workshop } from "./container/workshop.ts";
import type { CreateOptions } from "./create/prepare_container.ts";
import { ContainerError } from "./errors.ts";
import { defaultRoot } from "./own/default_root.ts";
import { lateNew } from "./own/late.ts";
import { hasRecords } from "./network/hull_bridge/folder.ts";
import type { Process } from "./process.ts";
import type { Snapshot } from "./state/stored_state.ts";

export type { InitKind, StartWay } from "../init/start_way.ts";
export type { ContainerInfo } from "./container/listed.ts";
export type { PlanOptions } from "./create/plan_start.ts";
export type { FactoryOptions } from "./container/workshop.ts";

const newCreation = lateNew(() => import("./container/creation.ts"), "Creation");

export { DEFAULT_ROOT } from "./own/default_root.ts";

/**
 * Makes and loads containers under one root folder.
 *
 * @example List what there is
 * ```ts
 * import { assert } from "@std/assert";
 * import { Factory } from "@hull/hull";
 *
 * const factory = new Factory({ root: "/run/hull-example" });
 * assert(factory.list().length === 0);
 * ```
 */
export class Factory {
  /** The folder that the containers' state is kept in; absolute. */
  readonly root: string;
  readonly #workshop: Workshop;

  /**
   * Touches nothing on the host yet: the root folder is made with the first container.
   *
   * @throws {ContainerError} `Unsupported` if this program was started as init and has not become it
   */
  constructor(options: FactoryOptions = {}) {
    if (Deno.env.has(INIT_VARIABLE)) throw notInit();
    this.root = resolve(options.root ?? defaultRoot());
    this.#workshop = new Workshop(this.root, options);
  }

  /**
   * Becomes init if this process was started as one, and does not return then. A compiled or bundled
   * program that contains hull must await it first in its main.
   */
  static async startInitialization(): Promise<void> {
    if (Deno.env.has(INIT_VARIABLE)) await (await import("../init/init.ts")).startInitialization();
  }

  /**
   * Makes a container, without a process yet. It is made whole or not at all.
   *
   * @param id 1 to 255 letters, digits and `_+.-`
   * @param config what config.json holds; all its faults are reported at once. Without one it is
   *   the built-in default: the host's /usr read-only, all else private, and what `options.wishes`
   *   asks for
   * @param options what the container is made with beside its config
   * @throws {ContainerError} `InvalidIdFormat`, `ConfigInvalid`, `Unsupported`, `IdInUse`,
   *   `SystemError`
   * @throws the signal's reason
   */
  async create(id: string, config?: Config, options: CreateOptions = {}): Promise<Container> {
    options.signal?.throwIfAborted();
    using taken = this.#workshop.options.trace?.take();
    const creation = await newCreation(this.#workshop, id, config, options, taken?.lane);
    return this.#container(await creation.run());
  }

  /**
   * What a start would do, as system calls; nothing is made.
   *
   * @param id as of {@linkcode Factory.create}
   * @param process what would be run
   * @param options the config (without one the built-in default), and how it would be started
   * @throws {ContainerError} `InvalidIdFormat`, `ConfigInvalid`, `Unsupported`
   * @throws the signal's reason
   */
  async plan(id: string, process: Process, options: PlanOptions = {}): Promise<ContainerPlan> {
    options.signal?.throwIfAborted();
    const { root } = this;
    const { host, options: factory } = this.#workshop;
    const prepared = await this.#workshop.prepare(id, options.config, options);
    return await planStart({ id, prepared, process, options, root, host, factory });
  }

  /**
   * The container of an id, made by this program or another.
   *
   * @throws {ContainerError} `InvalidIdFormat`, `ContainerNotExists`, `StateInvalid`
   */
  load(id: string): Container {
    return this.#container(this.#workshop.store.read(id));
  }

  /**
   * The ids of all containers, sorted.
   *
   * @throws {ContainerError} `SystemError` if the root folder can't be read, or others can write
   */
  ids(): string[] {
    return this.#workshop.store.ids();
  }

  /**
   * All containers, sorted by id. Those with a broken state are listed as such; those that vanish
   * meanwhile are left out.
   *
   * @throws {ContainerError} `SystemError` if the root folder can't be read, or others can write
   */
  list(): ContainerInfo[] {
    return this.#workshop.store.ids().flatMap((id) => {
      try {
        return [this.info(id)];
      } catch (error) {
        if (!(error instanceof ContainerError)) throw error;
        if (error.code === "ContainerNotExists") return [];
        return [brokenInfo(this.#workshop.store, id, error)];
      }
    });
  }

  /**
   * What {@linkcode Factory.list} says of one container.
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
      ownerUid: this.#workshop.store.owner(id),
    };
  }

  /**
   * All that is known of one container, in one look from outside: its state, cgroups, network,
   * namespaces, mounts, processes and config. What changes during the look may be there or not.
   *
   * @throws {ContainerError} `InvalidIdFormat`, `ContainerNotExists`, `StateInvalid`
   */
  async inspect(id: string): Promise<Inspection> {
    const snapshot = this.#workshop.store.read(id);
    const known = new KnownContainer(snapshot, this.#workshop.surroundingsOf(snapshot));
    return await inspect(known);
  }

  /**
   * Destroys the container of an id, as {@linkcode Container.destroy}, and also one whose state is
   * broken.
   *
   * @param options `force` kills a running container, ends what can be found of one with a broken
   *   state, and removes an empty folder in its place; `signal` as of `Container.destroy`
   * @throws {ContainerError} `InvalidIdFormat`, `ContainerNotExists`, `ContainerNotStopped`,
   *   `StateInvalid` for a broken state without `force`
   * @throws the signal's reason
   */
  async remove(id: string, options: DestroyOptions = {}): Promise<void> {
    await this.removeLeftovers(options);
    let container: Container;
    try {
      container = this.load(id);
    } catch (error) {
      if (!(error instanceof ContainerError && options.force === true)) throw error;
      if (error.code === "StateInvalid") return await this.#removeBroken(id);
      if (error.code === "ContainerNotExists" && this.#workshop.store.removeEmpty(id)) return;
      throw error;
    }
    await container.destroy(options);
  }

  /**
   * Removes what programs left that were killed while they made or removed a container. `remove`
   * does this, too.
   *
   * @param options an abort ends the waiting; what was begun is finished
   * @throws {ContainerError} `SystemError`
   * @throws the signal's reason
   */
  async removeLeftovers({ signal }: AbortOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    // A container that was being made may have had an address already.
    if (!this.#workshop.store.sweep() || !hasRecords(this.root)) return;
    await unlessAborted(giveLeaseBack(this.#workshop.store), signal);
  }

  async #removeBroken(id: string): Promise<void> {
    const { store, poller, host, options: { cgroupDriver: driver = "cgroupfs" } } = this.#workshop;
    await removeBroken({ id, store, poller, host, driver });
  }

  #container(snapshot: Snapshot): Container {
    return makeContainer(snapshot, this.#workshop.surroundingsOf(snapshot));
  }
}

function notInit(): ContainerError {
  return new ContainerError("Unsupported", "this program was started as a container's init", {
    hint: "let it await Factory.startInitialization() first, or bundle it without hull",
  });
}
