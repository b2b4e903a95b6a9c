/**
 * Tells what happens in a container, as it happens.
 *
 * @module
 */

import { type ContainerEvent, type EventOptions, watchEvents } from "../events.ts";
import { notRunning } from "../state/status_rules.ts";
import type { KnownContainer } from "./known_container.ts";
import { statsOf } from "./measures.ts";

/**
 * What happens until the first process ends.
 *
 * @throws {ContainerError} `ContainerNotRunning`, `SystemError`
 */
export function eventsOf(
  known: KnownContainer,
  options: EventOptions,
): AsyncGenerator<ContainerEvent, void, void> {
  known.state.read();
  const init = known.openInit();
  if (init === undefined) throw notRunning(known.now);
  const { poller, cgroups } = known.surroundings;
  const stats = () => statsOf(known);
  return watchEvents({ id: known.id, init, cgroupPaths: cgroups.paths, poller, stats }, options);
}
