/**
 * What only some calls need: each loads its module.
 *
 * @module
 */

import { late } from "../own/late.ts";

/** For an address on a bridge of hull's own. */
export const giveLeaseBack = late(() => import("../network/container_lease.ts"), "giveLeaseBack");

/** For processes that don't end. */
export const nameProcesses = late(() => import("../cgroups/remaining.ts"), "nameProcesses");

/** For interfaces. */
export const removeNetwork = late(() => import("../network/container_network.ts"), "removeNetwork");

/** For cgroups that systemd made. */
export const newUnitManager = late(
  () => import("../cgroups/choice/make_systemd_manager.ts"),
  "newUnitManager",
);
