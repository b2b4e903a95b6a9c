/**
 * What only some containers need: each call loads its module.
 *
 * @module
 */

import { late } from "../own/late.ts";

/** For limits beside the config. */
export const mergeResources = late(() => import("../life/merge_resources.ts"), "mergeResources");

/** For an ordinary user. */
export const fitToUser = late(() => import("../rootless/user_config.ts"), "fitToUser");

/** For what a check says of an ordinary user's config. */
export const withReason = late(() => import("../rootless/user_config.ts"), "withReason");

/** For who has not root's rights on the host. */
export const cgroupsForUser = late(() => import("../rootless/user_cgroups.ts"), "cgroupsForUser");

/** For the same. */
export const fitMounts = late(() => import("../rootless/fit_mounts.ts"), "fitMounts");

/** For a built-in container that a program of the user connects. */
export const userResolverConfig = late(
  () => import("../network/user_network.ts"),
  "userResolverConfig",
);

/** For a built-in container that has a network. */
export const resolverConfig = late(() => import("../network/resolver_config.ts"), "resolverConfig");
