/**
 * The check of a config together with the network that is asked for beside it.
 *
 * @module
 */

import {
  type ContainerNetwork,
  NETWORKS_ANNOTATION,
  ROUTES_ANNOTATION,
} from "./config/types/network.ts";
import { checkConfig, type CheckedConfig } from "./config/validate.ts";
import type { CheckedNetworks, GivenNetworks } from "./config/validate/networks.ts";

/** A good config, and the network that its container gets. */
export interface CheckedWithNetwork extends CheckedConfig {
  readonly network: ContainerNetwork | undefined;
}

/**
 * Checks a config, and the interfaces and routes that a program gives or, where it doesn't, the
 * annotations. A container without them does not load what makes them.
 *
 * @throws {ContainerError} `ConfigInvalid` with the faults of all
 */
export async function checkWithNetwork(
  config: unknown,
  given: GivenNetworks,
): Promise<CheckedWithNetwork> {
  if (!asksForNetwork(config, given)) return { ...checkConfig(config), network: undefined };
  const [{ checkNetworks }, { planNetwork }] = await Promise.all([
    import("./config/validate/networks.ts"),
    import("./network/container_network.ts"),
  ]);
  let lists: CheckedNetworks | undefined;
  const checked = checkConfig(config, (report, document) => {
    lists = checkNetworks(report, document, given);
  });
  return { ...checked, network: lists === undefined ? undefined : planNetwork(lists) };
}

function asksForNetwork(config: unknown, { networks, routes }: GivenNetworks): boolean {
  if (networks !== undefined || routes !== undefined) return true;
  const annotations = (config as { readonly annotations?: unknown } | null | undefined)
    ?.annotations;
  return typeof annotations === "object" && annotations !== null &&
    (NETWORKS_ANNOTATION in annotations || ROUTES_ANNOTATION in annotations);
}
