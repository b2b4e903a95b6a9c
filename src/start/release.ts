/**
 * The start of a created container's program, with the hooks before and behind it: those before are run
 * under the container's lock, those behind are not, since they may call for whatever the lock is for.
 *
 * Source: runtime.md, "Lifecycle".
 *
 * @module
 */

import { filterOf } from "../process/container_filter.ts";
import { releaseStart } from "../process/init_status.ts";
import type { PlanTrace } from "../trace/plan_trace.ts";
import { openIdentified } from "../state/process_identity.ts";
import type { StoredState } from "../state/stored_state.ts";
import type { ContainerSurroundings } from "../state/surroundings.ts";
import type { Lane } from "../trace/trace.ts";
import { traced } from "../trace/traced.ts";

/** Where a release is traced. */
export interface ReleaseTrace {
  readonly lane?: Lane | undefined;
  /** The first process's trace, if this program began it. */
  readonly child?: PlanTrace | undefined;
}

/**
 * Lets the first process, which waits, run the program.
 *
 * @throws {ContainerError} `HookFailed` of a startContainer hook, `InitFailed`, `ContainerNotRunning`
 * @throws the reason of the poller's abort: the fifos are there as long as nothing was let run
 */
export async function releaseProgram(
  stored: StoredState,
  { store, cgroups, poller, filters: recent }: ContainerSurroundings,
  { lane, child }: ReleaseTrace = {},
): Promise<void> {
  const { id, config, init } = stored;
  const { startContainer = [] } = config.hooks ?? {};
  if (startContainer.length > 0) {
    using pidfd = init === undefined ? undefined : openIdentified(init);
    if (init !== undefined && pidfd !== undefined) {
      const { pid } = init;
      const target = { pid, pidfd, cgroups, locked: store.folder(id) };
      await traced(lane, "run the startContainer hooks", async () => {
        const { runStartHooks } = await loadHooks();
        const filter = await filterOf(config, store.root, { recent });
        await runStartHooks(stored, { ...target, filter }, poller);
      });
    }
  }
  poller.signal?.throwIfAborted();
  const release = () => releaseStart(store.folder(id), poller);
  await traced(
    lane,
    "let the program run",
    child === undefined ? release : () => {
      return child.until(release);
    },
  );
}

/**
 * Runs the hooks behind the start; the caller holds no lock.
 *
 * @throws {ContainerError} `HookFailed`
 * @throws the reason of the poller's abort
 */
export async function followStart(
  stored: StoredState,
  { poller }: Pick<ContainerSurroundings, "poller">,
  lane?: Lane,
): Promise<void> {
  await traced(lane, "run the poststart hooks", async () => {
    await (await loadHooks()).runPoststartHooks(stored, stored.init?.pid ?? 0, poller);
  });
}

/** Whether there are such hooks. */
export function isFollowed({ config }: StoredState): boolean {
  return (config.hooks?.poststart ?? []).length > 0;
}

/** Most containers have no hooks, and load nothing of them. */
function loadHooks(): Promise<typeof import("../hooks/container_hooks.ts")> {
  return import("../hooks/container_hooks.ts");
}
