/**
 * What only some containers need: each call loads its module.
 *
 * @module
 */

import { late } from "../own/late.ts";

/** For limits beside the config. */
export const mergeResources = late(() => import("../life/merge_resources.ts"), "mergeResources");

/** For who has not root's rights on the host. */
export const loadRootless = () => import("../rootless/parts.ts");

/** For cgroups that systemd makes. */
export const newSystemdManager = late(
  () => import("../cgroups/choice/make_systemd_manager.ts"),
  "newSystemdManager",
);

/** For a built-in container that a program of the user connects. */
export const loadUserNetwork = () => import("../network/user_network.ts");

/** For a built-in container that has a network. */
export const resolverConfig = late(() => import("../network/resolver_config.ts"), "resolverConfig");
