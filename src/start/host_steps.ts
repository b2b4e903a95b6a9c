/**
 * The steps of a start that prepare the host for a container's first process: cgroups, limits,
 * filter, class of service, state. first_process.ts calls them in order.
 *
 * @module
 */

import { SIGKILL } from "../../ffi/c/signal_numbers.ts";
import { isForkedLate } from "../../init/steps/process/namespaces.ts";
import type { CgroupManager, MemoryNotice } from "../cgroups/manager.ts";
import { markCgroup } from "../cgroups/mark.ts";
import type { LoadableFilter } from "../security/filters/seccomp.ts";
import type { Resources } from "../config/types/config.ts";
import { ContainerError } from "../errors.ts";
import { filterOf } from "../process/container_filter.ts";
import { removeFifos } from "../process/init_status.ts";
import { joinClass, leaveClass } from "../resctrl/container_resctrl.ts";
import type { ResctrlGroups } from "../resctrl/intel_rdt.ts";
import { identify, type ProcessIdentity } from "../state/process_identity.ts";
import type { Snapshot } from "../state/stored_state.ts";
import { removeExitRecord } from "../supervisor/exit_record.ts";
import type { InitProcess } from "./init_process.ts";
import { keepLease } from "./late.ts";
import type { StartSubject } from "./start_subject.ts";

/** The steps on the host. */
export class HostSteps {
  readonly #subject: StartSubject;
  #ownCgroups: readonly string[] = [];
  #resctrl: ResctrlGroups | undefined;

  /** Does nothing yet. */
  constructor(subject: StartSubject) {
    this.#subject = subject;
    subject.lane?.watch(this, "host");
  }

  /** Makes sure that the container still has its address, if it has one on a bridge of hull's. */
  async keepLease(): Promise<void> {
    const { store, before } = this.#subject;
    if (before.hasLease === true) await keepLease(store, before);
  }

  /** Makes the cgroups, or asks systemd for them. */
  async makeCgroups(): Promise<void> {
    const { cgroups, before, id, config: { annotations } } = this.#subject;
    const unit = { id, annotations, resources: this.#resources };
    this.#ownCgroups = await cgroups.create(before.ownCgroups, { unit });
  }

  /** Waits for those that systemd makes, and marks those that are new as the container's. */
  async awaitCgroups(): Promise<void> {
    const { cgroups, store } = this.#subject;
    await cgroups.made?.();
    const [first] = this.#ownCgroups;
    if (first !== undefined) markCgroup(first, store.root);
  }

  /** Notices whether the memory runs out, where the cgroup may be gone with the process. */
  async noticeOom(): Promise<MemoryNotice | undefined> {
    const { cgroups, poller } = this.#subject;
    return await cgroups.noticeOom?.(poller.endless);
  }

  /** Sets the limits of the cgroups, with room for the process that makes the container's. */
  async limitCgroups(): Promise<void> {
    const { cgroups } = this.#subject;
    await cgroups.apply(
      this.#isTight ? withRoom(this.#resources, roomIn(cgroups)) : this.#resources,
    );
  }

  /** Compiles the filter. */
  async compileFilter(): Promise<LoadableFilter | undefined> {
    const { config, store, filters: recent } = this.#subject;
    return await filterOf(config, store.root, { recent });
  }

  /**
   * Ends what held the cgroups, and sets the limit of processes that had to be higher for the
   * birth.
   */
  async takeRoomBack(): Promise<void> {
    const { cgroups } = this.#subject;
    const isTight = this.#isTight;
    cgroups.settle?.();
    if (isTight) await cgroups.apply({ pids: this.#resources.pids }, { update: true });
  }

  /**
   * Which process init is: its pid and its start time.
   *
   * @throws {ContainerError} `InitFailed`
   */
  identify({ pid }: InitProcess): ProcessIdentity {
    const identity = identify(pid);
    if (identity === undefined) throw new ContainerError("InitFailed", "init has ended");
    return identity;
  }

  /** Puts init into its class of service, if the config names one: `linux.intelRdt`. */
  async joinClass({ pid }: InitProcess): Promise<void> {
    const { config, id } = this.#subject;
    this.#resctrl = await joinClass(config, id, pid);
  }

  /** Writes the results of the start into the container's state. */
  writeState(init: InitProcess, identity: ProcessIdentity): Snapshot {
    const { store, before, config, keyring } = this.#subject;
    return store.write({
      ...before,
      config,
      ...init.network?.made,
      init: identity,
      supervisor: init.supervisor?.identity ?? this.#subject.supervisor,
      ownCgroups: this.#ownCgroups,
      resctrl: this.#resctrl,
      keyring,
    });
  }

  /** Functions that undo the start, except for the state. */
  undoSteps(init: InitProcess): readonly (() => void | Promise<void>)[] {
    const { cgroups, folder } = this.#subject;
    return [
      () => init.terminate(),
      () => init[Symbol.dispose](),
      () => this.#endStrays(),
      () => cgroups.destroy(this.#ownCgroups),
      () => leaveClass(this.#resctrl),
      () => removeFifos(folder),
      () => removeExitRecord(folder),
    ];
  }

  /** Ends what a hook has left in the cgroups, if they are new: who is in them is the container's. */
  #endStrays(): void {
    const { cgroups } = this.#subject;
    const isOwn = (path: string) => this.#ownCgroups.includes(path);
    if (this.#ownCgroups.length > 0 && Object.values(cgroups.paths).every(isOwn)) {
      cgroups.kill(SIGKILL);
    }
  }

  /**
   * Forgets cgroups that another program has made meanwhile: they must not be removed with the
   * container.
   */
  forgetCgroups(): void {
    const { store, before } = this.#subject;
    store.write({ ...before, ownCgroups: [] });
  }

  get #resources(): Resources {
    return this.#subject.config.linux?.resources ?? {};
  }

  /** Whether the limit of processes leaves no room for the process that makes the container's. */
  get #isTight(): boolean {
    const { config, cgroups } = this.#subject;
    const { limit = 0 } = this.#resources.pids ?? {};
    return limit > 0 && limit < roomIn(cgroups) && isForkedLate(config.linux?.namespaces ?? []);
  }
}

/** How many a start has: the container's, the one that makes it, and one that holds a unit. */
function roomIn({ isHeld = false }: CgroupManager): number {
  return isHeld ? 3 : 2;
}

function withRoom(resources: Resources, limit: number): Resources {
  return { ...resources, pids: { ...resources.pids, limit } };
}
