/**
 * What only some containers need: each call loads its module.
 *
 * @module
 */

import { late } from "../own/late.ts";

/** For limits beside the config. */
export const mergeResources = late(() => import("../life/merge_resources.ts"), "mergeResources");

/** For a built-in container that has a network. */
export const resolverConfig = late(() => import("../network/resolver_config.ts"), "resolverConfig");
