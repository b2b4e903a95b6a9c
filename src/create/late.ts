/**
 * What only some containers need: each call loads its module.
 *
 * @module
 */

import { late } from "../own/late.ts";

const mode = () => import("../network/container_mode.ts");
const user = () => import("../rootless/user_config.ts");

/** For limits beside the config. */
export const mergeResources = late(() => import("../life/merge_resources.ts"), "mergeResources");

/** For the built-in default. */
export const makeBuiltin = late(() => import("./builtin_container.ts"), "makeBuiltin");

/** For a root that is an overlay. */
export const makeTop = late(() => import("./overlay_top.ts"), "makeTop");

/** For wishes for it. */
export const requireWishes = late(() => import("./check_wishes.ts"), "requireWishes");

/** For a small first process in a root that is not the built-in one. */
export const withReaper = late(() => import("./mounted_reaper.ts"), "withReaper");

/** For a word that says how it is connected. */
export const checkMode = late(mode, "checkMode");

/** For such a word, once there is a config. */
export const fitMode = late(mode, "fitMode");

/** For who has not root's rights on the host. */
export const fitToUser = late(user, "fitToUser");

/** For a fault of a config that was fitted to a user. */
export const withReason = late(user, "withReason");

/** For who has not root's rights on the host, and for cgroups that systemd makes. */
export const fitToHost = late(() => import("./fit_to_host.ts"), "fitToHost");
