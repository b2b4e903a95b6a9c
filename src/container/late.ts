/**
 * What only some calls need: each loads its module when it is called.
 *
 * @module
 */

import { late } from "../own/late.ts";

const changes = () => import("./changes.ts");
const hooks = () => import("../hooks/container_hooks.ts");
const pausing = () => import("./pausing.ts");
const lease = () => import("../network/container_lease.ts");
const network = () => import("../network/container_network.ts");

/** For a new container. */
export const prepareContainer = late(
  () => import("../create/prepare_container.ts"),
  "prepareContainer",
);

/** For an ordinary user whose systemd makes the cgroups. */
export const enterUsersScope = late(
  () => import("../cgroups/systemd/users_scope.ts"),
  "enterUsersScope",
);

/** For a small first process. */
export const writeReaper = late(() => import("../create/mounted_reaper.ts"), "writeReaper");

/** For a plan that is only shown. */
export const planStart = late(() => import("../create/plan_start.ts"), "planStart");

/** For a program that is run to its end in one call. */
export const outputOf = late(() => import("./output.ts"), "outputOf");

/** For a first process. */
export const startInit = late(() => import("../start/first_process.ts"), "startInit");

/** For a further process; a trace shows how long the loading takes. */
export const loadExec = () => import("../exec/exec.ts");

/** For hooks that come after a long wait, at whose end hull's files may be gone. */
export const loadHooks = hooks;

/** For the startContainer hooks. */
export const runStartHooks = late(hooks, "runStartHooks");

/** For the poststart hooks. */
export const runPoststartHooks = late(hooks, "runPoststartHooks");

/** For the poststop hooks. */
export const runPoststopHooks = late(hooks, "runPoststopHooks");

/** For new limits. */
export const changeLimits = late(changes, "changeLimits");

/** For interfaces that are plugged in or out. */
export const plug = late(changes, "plug");

/** For a container that is to stand still. */
export const pause = late(pausing, "pause");

/** For one that is to go on. */
export const resume = late(pausing, "resume");

/** For callers that want to know all. */
export const inspect = late(() => import("./inspection.ts"), "inspect");

/** For callers that watch events. */
export const eventsOf = late(() => import("./happenings.ts"), "eventsOf");

/** For interfaces that are removed with their container. */
export const removeNetwork = late(network, "removeNetwork");

/** For a program of the user's that connects a container. */
export const loadUserNetwork = () => import("../network/user_network.ts");

/** For an address on a bridge of hull's own. */
export const takeLease = late(lease, "takeLease");

/** For an address that is free again. */
export const giveLeaseBack = late(lease, "giveLeaseBack");

/** For a container whose state is broken. */
export const removeBroken = late(() => import("../life/broken_container.ts"), "removeBroken");
