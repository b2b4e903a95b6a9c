/**
 * The change of a container's limits while it is there.
 *
 * @module
 */

import type { CgroupManager } from "./cgroups/manager.ts";
import type { Resources } from "./config/types.ts";
import { validateResources } from "./config/validate.ts";
import { ContainerError } from "./errors.ts";
import { mergeResources, resourcesToRestore, resourcesToWrite } from "./merge_resources.ts";
import type { StateStore, StoredState } from "./state_store.ts";

/**
 * Sets limits and stores them; the caller holds the container's lock.
 *
 * @param known what the caller takes for the state, which another program may have changed
 * @param warn is told if the limits before could not be set again after a failure
 * @returns the state as it is stored now
 * @throws {ContainerError} `ConfigInvalid`, `Unsupported`, `SystemError`; nothing is stored then
 */
export function updateResources(
  store: StateStore,
  known: StoredState,
  cgroups: CgroupManager,
  resources: Resources,
  warn: (warning: ContainerError) => void,
): StoredState {
  const update = validateResources(resources);
  const stored = store.read(known.id) ?? known;
  const { config } = stored;
  const before = config.linux?.resources ?? {};
  const merged = mergeResources(before, update);
  try {
    cgroups.apply(resourcesToWrite(update, merged), { update: true });
  } catch (error) {
    restore(cgroups, resourcesToRestore(before, update), warn);
    throw error;
  }
  const linux = { ...config.linux, resources: merged };
  const updated = { ...stored, config: { ...config, linux } };
  store.write(updated);
  return updated;
}

/** Of several limits the first may hold already when a later one is refused. */
function restore(
  cgroups: CgroupManager,
  before: Resources,
  warn: (warning: ContainerError) => void,
): void {
  try {
    cgroups.apply(before, { update: true });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    warn(
      new ContainerError("SystemError", `the limits before can't be set again: ${why}`, { cause }),
    );
  }
}
