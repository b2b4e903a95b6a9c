/**
 * The strategy of each kind of interface.
 *
 * @module
 */

import type { NetworkType } from "../../config/types/network.ts";
import { ContainerError } from "../../errors.ts";
import { loopback } from "./loopback.ts";
import type { NetworkStrategy } from "./strategy.ts";
import { ipvlan, macvlan } from "./under_parent.ts";
import { veth } from "./veth.ts";

const STRATEGIES: Readonly<Record<NetworkType, NetworkStrategy>> = {
  loopback,
  veth,
  macvlan,
  ipvlan,
};

/**
 * The strategy of a type.
 *
 * @throws {ContainerError} `ConfigInvalid` for an unknown one
 *
 * @example
 * ```ts
 * import { assertThrows } from "@std/assert";
 * import { strategyOf } from "./strategies.ts";
 *
 * assertThrows(() => strategyOf("token-ring"), Error, 'unknown network type "token-ring"');
 * ```
 */
export function strategyOf(type: string): NetworkStrategy {
  if (Object.hasOwn(STRATEGIES, type)) return STRATEGIES[type as NetworkType];
  throw new ContainerError("ConfigInvalid", `unknown network type ${JSON.stringify(type)}`, {
    hint: `use one of ${Object.keys(STRATEGIES).join(", ")}`,
  });
}
