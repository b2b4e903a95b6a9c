/**
 * The start of a created container's program, with the hooks before and behind it.
 *
 * Source: runtime.md, "Lifecycle".
 *
 * @module
 */

import { filterOf } from "./container_filter.ts";
import { releaseStart } from "./init_status.ts";
import type { PlanTrace } from "./plan_trace.ts";
import { openIdentified } from "./process_identity.ts";
import type { StoredState } from "./state_store.ts";
import type { ContainerSurroundings } from "./surroundings.ts";
import type { Lane } from "./trace.ts";
import { traced } from "./traced.ts";

/** Where a release is traced. */
export interface ReleaseTrace {
  readonly lane?: Lane | undefined;
  /** The first process's trace, if this program began it. */
  readonly child?: PlanTrace | undefined;
}

/**
 * Lets the first process, which waits, run the program.
 *
 * @throws {ContainerError} `HookFailed`, `InitFailed`, `ContainerNotRunning`
 * @throws the reason of the poller's abort: the fifos are there as long as nothing was let run
 */
export async function releaseProgram(
  stored: StoredState,
  { store, cgroups, poller, filters: recent }: ContainerSurroundings,
  { lane, child }: ReleaseTrace = {},
): Promise<void> {
  const { id, config, init } = stored;
  const { startContainer = [], poststart = [] } = config.hooks ?? {};
  if (startContainer.length > 0) {
    using pidfd = init === undefined ? undefined : openIdentified(init);
    if (init !== undefined && pidfd !== undefined) {
      const { pid } = init;
      const target = { pid, pidfd, cgroups };
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
  if (poststart.length === 0) return;
  await traced(lane, "run the poststart hooks", async () => {
    await (await loadHooks()).runPoststartHooks(stored, init?.pid ?? 0, poller);
  });
}

/** Most containers have no hooks, and load nothing of them. */
function loadHooks(): Promise<typeof import("./container_hooks.ts")> {
  return import("./container_hooks.ts");
}
