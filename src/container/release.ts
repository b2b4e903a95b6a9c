/**
 * Starts the program of a created container, with the hooks before and after it. The hooks before
 * it run under the container's lock. Those after it do not, since they may call commands that take
 * the lock.
 *
 * Source: runtime.md, "Lifecycle".
 *
 * @module
 */

import { runPoststartHooks, runStartHooks } from "./late.ts";
import { filterOf } from "../process/container_filter.ts";
import { releaseStart } from "../process/init_status.ts";
import type { PlanTrace } from "../trace/plan_trace.ts";
import { openIdentified } from "../state/process_identity.ts";
import type { StoredState } from "../state/stored_state.ts";
import type { ContainerSurroundings } from "../state/surroundings.ts";

/** The start of the program of a container that waits, in steps. */
export class Release {
  readonly #stored: StoredState;
  readonly #surroundings: ContainerSurroundings;

  /** Does nothing yet. */
  constructor(stored: StoredState, surroundings: ContainerSurroundings) {
    this.#stored = stored;
    this.#surroundings = surroundings;
    surroundings.lane?.watch(this, "release");
  }

  /**
   * Lets the first process, which waits, run the program.
   *
   * @param child the first process's trace, if this program began it
   * @throws {ContainerError} `HookFailed` of a startContainer hook, `InitFailed`,
   *   `ContainerNotRunning`
   * @throws the reason of the poller's abort: as long as the fifos are there, the program was not
   *   started
   */
  async run(child: PlanTrace | undefined): Promise<void> {
    if ((this.#stored.config.hooks?.startContainer ?? []).length > 0) await this.runStartHooks();
    this.#surroundings.poller.signal?.throwIfAborted();
    await this.letRun(child);
  }

  /** Runs the hooks before the start, if the first process is still there. */
  async runStartHooks(): Promise<void> {
    const { id, config, init } = this.#stored;
    const { store, cgroups, poller, bearer, filters: recent } = this.#surroundings;
    using pidfd = init === undefined ? undefined : openIdentified(init);
    if (init === undefined || pidfd === undefined) return;
    const filter = await filterOf(config, store.root, { recent });
    const target = { pid: init.pid, pidfd, cgroups, locked: store.folder(id), filter };
    await runStartHooks(this.#stored, target, { poller, bearer });
  }

  /** Opens the fifo on which init waits. The trace of init ends here. */
  async letRun(child: PlanTrace | undefined): Promise<void> {
    const { store, poller } = this.#surroundings;
    const released = releaseStart(store.folder(this.#stored.id), poller);
    await (child === undefined ? released : child.until(() => released));
  }

  /**
   * Runs the hooks after the start. The caller must not hold the lock.
   *
   * @throws {ContainerError} `HookFailed`
   * @throws the reason of the poller's abort
   */
  async follow(): Promise<void> {
    const { poller, bearer } = this.#surroundings;
    await runPoststartHooks(this.#stored, this.#stored.init?.pid ?? 0, { poller, bearer });
  }
}

/** Whether there are hooks after the start. */
export function isFollowed({ config }: StoredState): boolean {
  return (config.hooks?.poststart ?? []).length > 0;
}
