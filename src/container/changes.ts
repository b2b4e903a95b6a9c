/**
 * Changes of a container that is there: its limits and its interfaces.
 *
 * @module
 */

import type { Resources } from "../config/types/config.ts";
import { undone } from "../failures/undo.ts";
import { late } from "../own/late.ts";
import { changeClass, type RdtUpdate } from "../resctrl/container_resctrl.ts";
import { requireProcesses } from "../state/status_rules.ts";
import type { KnownContainer } from "./known_container.ts";

const updateResources = late(() => import("../life/update_resources.ts"), "updateResources");
const plugNetwork = late(() => import("../network/container_network.ts"), "plugNetwork");

/** Changes the limits and stores them. If one can't be set, the old ones are restored. */
export async function changeLimits(
  known: KnownContainer,
  resources: Resources,
  rdt: RdtUpdate,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { state, surroundings } = known;
  using _lock = await state.lock(signal);
  requireProcesses(known.now);
  const before = state.known;
  const undo = await changeClass(before.resctrl, rdt);
  try {
    state.keep(await updateResources(surroundings, before, resources, rdt));
  } catch (error) {
    const fault = await undone(error, undo);
    // systemd removes the cgroups of a container as soon as it has ended
    requireProcesses(known.now);
    throw fault;
  }
}

/** Plugs the interfaces into their bridges, or takes them off. */
export async function plug(
  known: KnownContainer,
  how: "attach" | "detach",
  signal: AbortSignal | undefined,
): Promise<void> {
  using _lock = await known.state.lock(signal);
  const { network } = known.state.known;
  if (network !== undefined) await plugNetwork(network, how, signal);
}
