/**
 * The start of a created container's program, with the hooks before and behind it.
 *
 * Source: runtime.md, "Lifecycle".
 *
 * @module
 */

import { filterOf } from "./container_filter.ts";
import { releaseStart } from "./init_status.ts";
import { openIdentified } from "./process_identity.ts";
import type { StoredState } from "./state_store.ts";
import type { ContainerSurroundings } from "./surroundings.ts";

/**
 * Lets the first process, which waits, run the program.
 *
 * @throws {ContainerError} `HookFailed`, `InitFailed`, `ContainerNotRunning`
 */
export async function releaseProgram(
  stored: StoredState,
  { store, cgroups, poller }: ContainerSurroundings,
): Promise<void> {
  const { id, config, init } = stored;
  const { startContainer = [], poststart = [] } = config.hooks ?? {};
  if (startContainer.length > 0) {
    using pidfd = init === undefined ? undefined : openIdentified(init);
    if (init !== undefined && pidfd !== undefined) {
      const { runStartHooks } = await loadHooks();
      const filter = await filterOf(config, store.root);
      await runStartHooks(stored, { pid: init.pid, pidfd, cgroups, filter }, poller);
    }
  }
  await releaseStart(store.folder(id), poller);
  if (poststart.length === 0) return;
  await (await loadHooks()).runPoststartHooks(stored, init?.pid ?? 0, poller);
}

/** Most containers have no hooks, and load nothing of them. */
function loadHooks(): Promise<typeof import("./container_hooks.ts")> {
  return import("./container_hooks.ts");
}
