/**
 * Whether a container stands still.
 *
 * @module
 */

import { lockJoins } from "../life/join_lock.ts";
import { requirePaused, requireProcesses } from "../state/status_rules.ts";
import type { KnownContainer } from "./known_container.ts";

/** Stops all processes where they are. */
export async function pause(
  known: KnownContainer,
  signal: AbortSignal | undefined,
): Promise<void> {
  using _lock = await known.state.lock(signal);
  requireProcesses(known.now);
  using _joins = await lockJoins(known.folder, "pause", signal);
  await known.surroundings.cgroups.freeze(signal);
}

/** Lets them go on. */
export async function resume(
  known: KnownContainer,
  signal: AbortSignal | undefined,
): Promise<void> {
  using _lock = await known.state.lock(signal);
  requirePaused(known.now);
  await known.surroundings.cgroups.thaw();
}
