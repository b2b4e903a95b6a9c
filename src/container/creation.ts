/**
 * Makes a container, without a process yet: completely, or not at all.
 *
 * @module
 */

import type { RootFile } from "../../init/operations/root_files.ts";
import type { Config } from "../config/types/config.ts";
import type { CreateOptions, PreparedContainer } from "../create/prepare_container.ts";
import { ContainerError } from "../errors.ts";
import { undone } from "../failures/undo.ts";
import type { LeasedNetwork } from "../network/container_lease.ts";
import { isGone } from "../state/container_folder.ts";
import { STATE_FORMAT } from "../state/state_shape.ts";
import type { NewFolder } from "../state/new_folder.ts";
import type { Snapshot, StoredState } from "../state/stored_state.ts";
import { timestamp } from "../state/timestamp.ts";
import type { Lane } from "../trace/trace.ts";
import { Ending } from "./ending.ts";
import { KnownContainer } from "./known_container.ts";
import { giveLeaseBack, takeLease, writeReaper } from "./late.ts";
import type { Workshop } from "./workshop.ts";

/** One container that is being made. */
export class Creation {
  readonly #workshop: Workshop;
  readonly #id: string;
  readonly #config: Config | undefined;
  readonly #options: CreateOptions;

  /** Makes nothing yet. */
  constructor(
    workshop: Workshop,
    id: string,
    config: Config | undefined,
    options: CreateOptions,
    lane: Lane | undefined,
  ) {
    this.#workshop = workshop;
    this.#id = id;
    this.#config = config;
    this.#options = options;
    lane?.watch(this, "creation");
  }

  /**
   * Makes it.
   *
   * @throws {ContainerError} what `Factory.create` throws
   * @throws the signal's reason
   */
  async run(): Promise<Snapshot> {
    const { signal } = this.#options;
    const prepared = await this.checkConfig();
    await this.#workshop.poller.until(signal).giveTurn();
    await this.requireFree();
    const ownCgroups = this.claimCgroups(prepared);
    using folder = this.beginFolder();
    let lease: LeasedNetwork | undefined;
    try {
      lease = await this.takeLease(prepared);
      const rootFiles = this.writeRootfs(folder, prepared, lease);
      if (prepared.writesReaper) await writeReaper(folder.path);
      const stored = this.#newState(prepared, ownCgroups, lease, rootFiles);
      signal?.throwIfAborted();
      return this.keep(folder, stored);
    } catch (error) {
      const giveBack = () => lease && giveLeaseBack(this.#workshop.store, prepared.network?.owner);
      throw await undone(error, () => folder[Symbol.dispose](), giveBack);
    }
  }

  /** Checks all that can be checked before anything is made. */
  async checkConfig(): Promise<PreparedContainer> {
    return await this.#workshop.prepare(this.#id, this.#config, this.#options);
  }

  /**
   * Makes sure that the id is free. What a killed creator left, without a first process, is
   * removed. Another program may still take the id after this check: then moving the state folder
   * to its place fails.
   */
  async requireFree(): Promise<void> {
    switch (this.#workshop.store.occupant(this.#id)) {
      case "none":
        return;
      case "other":
        throw this.#taken();
      case "container": {
        const snapshot = this.#readIfSound();
        if (snapshot === undefined || !this.#workshop.store.isAbandoned(snapshot.state)) {
          throw this.#taken();
        }
        const known = new KnownContainer(snapshot, this.#workshop.surroundingsOf(snapshot));
        using call = known.begin(this.#options.signal);
        try {
          if (!await new Ending(known, call).runIfAbandoned()) throw this.#taken();
        } catch (error) {
          if (!isGone(error)) throw error;
          return await this.requireFree(); // another program has removed it, and may have the id
        }
      }
    }
  }

  /** The cgroups that will be its own. */
  claimCgroups({ cgroups }: PreparedContainer): readonly string[] {
    return cgroups.claim();
  }

  /** Its state folder, under another name. */
  beginFolder(): NewFolder {
    return this.#workshop.store.begin(this.#id);
  }

  /** The address on a bridge of hull's own, if it is asked for. */
  async takeLease({ network, mode }: PreparedContainer): Promise<LeasedNetwork | undefined> {
    if (mode?.kind !== "bridge" || network === undefined) return undefined;
    return await takeLease(this.#workshop.store, this.#id, mode, network, this.#options.signal);
  }

  /** Its root, where hull makes that; gives its files where they are made by the start. */
  writeRootfs(
    { path }: NewFolder,
    { builtin, top, hasRootAsData }: PreparedContainer,
    lease: LeasedNetwork | undefined,
  ): readonly RootFile[] | undefined {
    const addresses = lease?.addresses;
    const rootfs = `${path}/rootfs`;
    if (builtin !== undefined) return builtin.write(rootfs, { addresses, asData: hasRootAsData });
    top?.write(rootfs, addresses);
    return undefined;
  }

  /** Writes the state and moves the folder to its place: from here on the container exists. */
  keep(folder: NewFolder, stored: StoredState): Snapshot {
    const snapshot = folder.place(stored);
    if (snapshot === undefined) throw this.#taken();
    return snapshot;
  }

  #newState(
    prepared: PreparedContainer,
    ownCgroups: readonly string[],
    lease: LeasedNetwork | undefined,
    rootFiles: readonly RootFile[] | undefined,
  ): StoredState {
    const { valid, bundle, rootfs, cgroups, mode, reaper } = prepared;
    const rootBytes = prepared.top?.bytes ?? prepared.builtin?.rootBytes;
    const { driver, outputFiles } = this.#options;
    const network = lease?.network ?? prepared.network;
    return {
      format: STATE_FORMAT,
      id: this.#id,
      bundle,
      rootfs,
      created: timestamp(Date.now()),
      creator: this.#workshop.store.me,
      ...(driver === undefined ? {} : { driver }),
      ...(outputFiles === undefined ? {} : { outputFiles }),
      cgroupPaths: cgroups.paths,
      ...(cgroups.unit === undefined ? {} : { systemdUnit: cgroups.unit }),
      ownCgroups,
      ...(network === undefined ? {} : { network }),
      ...(lease === undefined ? {} : { hasLease: true }),
      ...(mode?.kind === "pasta" || mode?.kind === "slirp4netns" ? { userNetwork: mode } : {}),
      ...(mode?.kind === "none" ? { loopbackDown: true } : {}),
      ...(rootFiles === undefined ? {} : { rootFiles }),
      ...(rootBytes === undefined ? {} : { rootBytes }),
      ...(prepared.top === undefined ? {} : { hasOverlay: true }),
      ...(reaper === undefined ? {} : { reaper }),
      config: valid,
    };
  }

  #readIfSound(): Snapshot | undefined {
    try {
      return this.#workshop.store.read(this.#id);
    } catch (error) {
      if (error instanceof ContainerError && error.code === "StateInvalid") return undefined;
      throw error;
    }
  }

  #taken(): ContainerError {
    const path = this.#workshop.store.folder(this.#id);
    if (this.#workshop.store.occupant(this.#id) === "other") {
      return new ContainerError("IdInUse", `${path} is there, and is not hull's`, {
        path,
        hint: "hull leaves alone what it did not make: choose another id, or move it away",
      });
    }
    return new ContainerError("IdInUse", `container with id exists: ${this.#id}`, {
      path,
      hint: "delete it first, or choose another id",
    });
  }
}
