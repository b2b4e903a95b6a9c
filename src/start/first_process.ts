/**
 * The start of a container's first process, with all that is made for it on the host, up to the
 * point where init waits.
 *
 * @module
 */

import { filterOf } from "../process/container_filter.ts";
import { joinClass, leaveClass } from "../resctrl/container_resctrl.ts";
import type { InitKind } from "../config/start_way.ts";
import { ContainerError } from "../errors.ts";
import { removeExitRecord } from "../supervisor/exit_record.ts";
import { InitProcess } from "./init_process.ts";
import { removeFifos } from "../process/init_status.ts";
import type { ResctrlGroups } from "../resctrl/intel_rdt.ts";
import type { ProcessOptions } from "../process.ts";
import { isForkedLate } from "../../init/steps/process/namespaces.ts";
import type { Resources } from "../config/types/config.ts";
import { newKeyringName } from "../../init/steps/process/keyring.ts";
import { identify, type ProcessIdentity } from "../state/process_identity.ts";
import { configToStart } from "../wishes/start_config.ts";
import type { Snapshot } from "../state/state_store.ts";
import type { StoredState } from "../state/stored_state.ts";
import type { ContainerSurroundings } from "../state/surroundings.ts";
import type { Lane } from "../trace/trace.ts";
import { markCgroup } from "../cgroups/mark.ts";
import { traced } from "../trace/traced.ts";
import { undone } from "../failures/undo.ts";

/** How a container's first process is made, beyond its config. */
export interface StartOptions {
  /** Enter the rootfs by a move and chroot in place of pivot_root; for a rootfs on a ramfs. */
  readonly noPivot?: boolean | undefined;
  /** Keep the caller's session keyring. */
  readonly noNewKeyring?: boolean | undefined;
  /** Who walks the plan of the start; the Factory's choice without one. */
  readonly init?: InitKind | undefined;
  /**
   * Have a small process of its own be the parent of the first process: it outlives this program,
   * and records how that ended, for whoever waits then.
   */
  readonly supervised?: boolean | undefined;
  /** Who records it otherwise: a program that stays to the end. */
  readonly supervisor?: ProcessIdentity | undefined;
  /**
   * Cuts the start short: the process is killed, all that was made for it is taken away, and the
   * container is as it was before. Once the call has returned it means nothing any more.
   */
  readonly signal?: AbortSignal | undefined;
}

/** A first process that waits for the start. */
export interface StartedFirst {
  readonly init: InitProcess;
  /** The container's state, as it is stored now. */
  readonly snapshot: Snapshot;
  /** What makes all as it was before, but for the state. */
  readonly undo: readonly (() => void | Promise<void>)[];
}

/**
 * Starts a first process; the caller holds the container's lock. After a failure all is as it was
 * before.
 *
 * @throws {ContainerError} what `Container.start` throws
 * @throws the reason of the surroundings' abort
 */
export async function startFirst(
  before: StoredState,
  process: ProcessOptions,
  surroundings: ContainerSurroundings,
  options: StartOptions,
  lane?: Lane,
): Promise<StartedFirst> {
  const { store, cgroups, host, poller, initCommand, initKind, onWarning } = surroundings;
  const { id, rootfs, bundle } = before;
  const folder = store.folder(id);
  const keyring = options.noNewKeyring === true ? "" : newKeyringName(id);
  const config = configToStart(before.config, rootfs, process, onWarning);
  if (before.hasLease === true) {
    await (await import("../network/container_lease.ts")).keepLease(store, before);
  }
  const { resources = {}, namespaces = [] } = config.linux ?? {};
  const isTight = resources.pids?.limit === 1 && isForkedLate(namespaces);
  const init = new InitProcess({
    id,
    folder,
    rootfs,
    bundle,
    config,
    network: before.network,
    prepare: async () => {
      const early = isTight ? withRoom(resources) : resources;
      traced(lane, "set the limits", () => cgroups.apply(early));
      await poller.giveTurn();
      const filter = () => filterOf(config, store.root, { recent: surroundings.filters });
      return await traced(lane, "compile the filter", filter);
    },
    process,
    host,
    cgroups,
    poller,
    command: initCommand,
    noPivot: options.noPivot ?? false,
    keyring,
    isSupervised: options.supervised ?? false,
    lane,
    kind: options.init ?? initKind,
    loopbackDown: before.loopbackDown ?? false,
    onTmpfs: rootfs === `${folder}/rootfs`, // the built-in default's
    runHooks: async (pid) => {
      await (await import("../hooks/container_hooks.ts")).runCreateHooks(
        before,
        pid,
        folder,
        poller,
      );
    },
  });
  let resctrl: ResctrlGroups | undefined;
  let ownCgroups: readonly string[] = [];
  const undo = [
    () => init.terminate(),
    () => init[Symbol.dispose](),
    () => cgroups.destroy(ownCgroups),
    () => leaveClass(resctrl),
    () => removeFifos(folder),
    () => removeExitRecord(folder),
  ];
  try {
    poller.signal?.throwIfAborted();
    ownCgroups = traced(lane, "make the cgroups", () => cgroups.create(before.ownCgroups));
    if (ownCgroups[0] !== undefined) markCgroup(ownCgroups[0], store.root);
    await traced(lane, "birth", () => init.start());
    if (isTight) cgroups.apply({ pids: resources.pids }, { update: true });
    const identity = identify(init.pid);
    if (identity === undefined) throw new ContainerError("InitFailed", "init has ended");
    // Init's thread alone is left after execve, so it is early enough once init is ready.
    resctrl = await joinClass(config, id, init.pid);
    const supervisor = init.supervisor ?? options.supervisor;
    const { network } = init;
    const made = { init: identity, supervisor, ownCgroups, resctrl, keyring };
    const stored = { ...before, config, network, ...made };
    poller.signal?.throwIfAborted();
    return { init, snapshot: traced(lane, "write the state", () => store.write(stored)), undo };
  } catch (error) {
    const first = poller.signal?.aborted === true ? poller.signal.reason : error;
    // Cgroups that another made meanwhile are not to be removed with the container.
    const forget = () =>
      isOthers(error) ? void store.write({ ...before, ownCgroups: [] }) : undefined;
    throw await traced(lane, "undo", () => undone(first, ...undo, forget));
  }
}

/** For the one that is born and for the one that bears it. */
function withRoom(resources: Resources): Resources {
  return { ...resources, pids: { ...resources.pids, limit: 2 } };
}

function isOthers(error: unknown): boolean {
  return error instanceof ContainerError && error.code === "IdInUse";
}
