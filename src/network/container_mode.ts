/**
 * What the word for a container's connection means when the container is made. The modules behind
 * it are loaded only if there is such a word.
 *
 * @module
 */

import { late } from "../own/late.ts";
import type { NetworkMode } from "../config/types/network_mode.ts";
import type { GivenNetworks } from "../config/validate_network/networks.ts";
import type { CheckedMode } from "../config/validate_network/network_mode.ts";

const requireNft = late(() => import("./hull_bridge/nft.ts"), "requireNft");

/**
 * Checks a mode by itself, and that this host has what it needs.
 *
 * @throws {ContainerError} `ConfigInvalid`, `Unsupported`
 */
export async function checkMode(mode: NetworkMode): Promise<CheckedMode> {
  const { checkNetworkMode } = await import("../config/validate_network/network_mode.ts");
  const checked = checkNetworkMode(mode);
  if (checked.kind === "bridge") await requireNft();
  if (checked.kind === "pasta" || checked.kind === "slirp4netns") {
    (await import("./user_network.ts")).requireProgram(checked.kind);
  }
  return checked;
}

/**
 * Checks a mode against the config, and gives the networks to make for it.
 *
 * @throws {ContainerError} `ConfigInvalid`
 */
export async function fitMode(
  mode: CheckedMode,
  config: unknown,
  given: GivenNetworks,
): Promise<GivenNetworks> {
  const [{ requireFittingMode }, { checkConfig }] = await Promise.all([
    import("../config/validate_network/network_mode.ts"),
    import("../config/validate/validate.ts"),
  ]);
  requireFittingMode(mode, checkConfig(config).config, given);
  if (mode.kind !== "bridge") return given;
  // The address is added later, once the container has its id.
  return { ...given, networks: [{ type: "veth", name: "eth0", bridge: mode.name }] };
}
