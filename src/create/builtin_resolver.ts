/**
 * The resolvers that a container is told of where hull makes its /etc/resolv.conf.
 *
 * @module
 */

import type { CheckedMode } from "../config/validate_network/network_mode.ts";
import { late } from "../own/late.ts";

const userResolverConfig = late(() => import("../network/user_network.ts"), "userResolverConfig");
const resolverConfig = late(() => import("../network/resolver_config.ts"), "resolverConfig");

/** The text of resolv.conf(5); undefined without a network that leads anywhere. */
export async function resolverOf(
  kind: CheckedMode["kind"] | undefined,
): Promise<string | undefined> {
  if (kind === "pasta" || kind === "slirp4netns") return await userResolverConfig(kind);
  return kind === "host" || kind === "bridge" ? await resolverConfig(kind === "host") : undefined;
}
