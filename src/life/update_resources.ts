/**
 * Changes the limits of an existing container.
 *
 * @module
 */

import { keeperOf } from "../cgroups/choice/make_manager.ts";
import type { CgroupManager } from "../cgroups/manager.ts";
import type { IntelRdt, Linux, Resources } from "../config/types/config.ts";
import { validateResources } from "../config/validate/validate.ts";
import { isBefore13, oldResources } from "../config/fields/by_version.ts";
import type { RdtUpdate } from "../resctrl/container_resctrl.ts";
import type { Fault } from "../errors.ts";
import { mergeResources, resourcesToRestore, resourcesToWrite } from "./merge_resources.ts";
import type { Snapshot, StoredState } from "../state/stored_state.ts";
import type { ContainerSurroundings } from "../state/surroundings.ts";

/**
 * Sets limits and stores them. The caller holds the container's lock, so that no other update comes
 * between reading the state and storing it.
 *
 * @param stored the state, read under the lock
 * @param rdt limits of the class of service, which are set already and stored here
 * @returns the state as it is stored now
 * @throws {ContainerError} `ConfigInvalid`, `Unsupported`, `SystemError`; nothing is stored then
 */
export async function updateResources(
  { store, cgroups, host, onWarning }: ContainerSurroundings,
  stored: StoredState,
  resources: Resources,
  rdt: RdtUpdate = {},
): Promise<Snapshot> {
  const { config } = stored;
  // An update of a container with an old document is read by the old meaning, too.
  const isOld = isBefore13(config.ociVersion);
  const update = validateResources(
    isOld ? oldResources(resources) : resources,
    ({ pointer, message }) => onWarning?.({ pointer: `/linux/resources${pointer}`, message }),
  );
  const before = config.linux?.resources ?? {};
  const merged = mergeResources(before, update);
  const keeper = await keeperOf(cgroups, host);
  try {
    await keeper.apply(resourcesToWrite(update, merged), { update: true });
  } catch (error) {
    await restore(keeper, resourcesToRestore(before, update), onWarning);
    throw error;
  }
  const linux = { ...config.linux, resources: merged, ...mergeRdt(config.linux?.intelRdt, rdt) };
  return store.write({ ...stored, config: { ...config, linux } });
}

function mergeRdt(before: IntelRdt | undefined, update: RdtUpdate): Pick<Linux, "intelRdt"> {
  const given = Object.entries(update).filter(([, schema]) => schema !== undefined);
  return given.length === 0 ? {} : { intelRdt: { ...before, ...Object.fromEntries(given) } };
}

/** Restores the old limits: when one of several is refused, those before it are set already. */
async function restore(
  cgroups: CgroupManager,
  before: Resources,
  onWarning: ((warning: Fault) => void) | undefined,
): Promise<void> {
  try {
    await cgroups.apply(before, { update: true });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    onWarning?.({
      pointer: "/linux/resources",
      message: `those before can't be set again: ${why}`,
    });
  }
}
