/**
 * Checks a config together with the network that is asked for beside it.
 *
 * @module
 */

import {
  type ContainerNetwork,
  NETWORKS_ANNOTATION,
  ROUTES_ANNOTATION,
} from "../config/types/network.ts";
import type { Fault } from "../errors.ts";
import { checkConfig, type CheckedConfig } from "../config/validate/validate.ts";
import type { CheckedNetworks, GivenNetworks } from "../config/validate_network/networks.ts";

/** A valid config, and the network that its container gets. */
export interface CheckedWithNetwork extends CheckedConfig {
  readonly network: ContainerNetwork | undefined;
}

/**
 * Checks a config together with the interfaces and routes that a program gives. If the program
 * gives none, those of the annotations are used, if they may count. The modules that make them are
 * only loaded for a container that has some.
 *
 * @throws {ContainerError} `ConfigInvalid` with the faults of all
 */
export async function checkWithNetwork(
  config: unknown,
  given: GivenNetworks,
): Promise<CheckedWithNetwork> {
  const ignored = ignoredAnnotations(config, given);
  if (!asksForNetwork(config, given)) {
    const { config: good, warnings } = checkConfig(config);
    return { config: good, warnings: [...warnings, ...ignored], network: undefined };
  }
  const [{ checkNetworks }, { planNetwork }] = await Promise.all([
    import("../config/validate_network/networks.ts"),
    import("../network/container_network.ts"),
  ]);
  let lists: CheckedNetworks | undefined;
  const checked = checkConfig(config, (report, document) => {
    lists = checkNetworks(report, document, given);
  });
  const network = lists === undefined ? undefined : planNetwork(lists);
  return { config: checked.config, warnings: [...checked.warnings, ...ignored], network };
}

function asksForNetwork(config: unknown, given: GivenNetworks): boolean {
  const { networks, routes, networksFromAnnotations } = given;
  if (networks !== undefined || routes !== undefined) return true;
  return networksFromAnnotations === true && annotationsOf(config, given).length > 0;
}

/**
 * Warns of ignored annotations. Engines copy annotations from images, so they only count if hull's
 * caller says so.
 */
function ignoredAnnotations(config: unknown, given: GivenNetworks): Fault[] {
  if (given.networksFromAnnotations === true) return [];
  const message = "is ignored, as an image can have set it; " +
    "who trusts the config says --networks-from-annotations (networksFromAnnotations)";
  return annotationsOf(config, given).map((name) => ({ pointer: `/annotations/${name}`, message }));
}

/** The network annotations of the config that the program does not replace. */
function annotationsOf(config: unknown, { networks, routes }: GivenNetworks): string[] {
  const annotations = (config as { readonly annotations?: unknown } | null | undefined)
    ?.annotations;
  if (typeof annotations !== "object" || annotations === null) return [];
  return [
    ...(networks === undefined && NETWORKS_ANNOTATION in annotations ? [NETWORKS_ANNOTATION] : []),
    ...(routes === undefined && ROUTES_ANNOTATION in annotations ? [ROUTES_ANNOTATION] : []),
  ];
}
