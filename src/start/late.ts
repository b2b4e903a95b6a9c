/**
 * What only some starts need: each call loads its module.
 *
 * @module
 */

import { late, lateNew } from "../own/late.ts";

/** The trace of what a child does. */
export const newPlanTrace = lateNew(() => import("../trace/plan_trace.ts"), "PlanTrace");

/** For mounts that the parent makes. */
export const openIdmappedMounts = late(
  () => import("../birth/idmapped_mounts.ts"),
  "openIdmappedMounts",
);

/** For cgroups that systemd makes. */
export const openLaterDoors = late(() => import("../birth/later_doors.ts"), "openLaterDoors");

/** For a supervised start. */
export const loadSupervisor = () => import("../supervisor/supervisor.ts");

/** For a failure of who has not root's rights on the host. */
export const explainRefusal = late(() => import("../rootless/refusals.ts"), "explainRefusal");

/** For a child that could not be made. */
export const lastWords = late(() => import("./last_words.ts"), "lastWords");

/** For a new user namespace. */
export const writeIdMaps = late(() => import("../namespaces/id_maps.ts"), "writeIdMaps");

/** For a container with an address on a bridge of hull's own. */
export const keepLease = late(() => import("../network/container_lease.ts"), "keepLease");

/** For interfaces, routes, devices of the host, or a connection by a program of the user. */
export const newInitNetwork = lateNew(() => import("./init_network.ts"), "InitNetwork");

/** For a direct child whose plan has work that needs TypeScript. */
export const newChildWork = lateNew(() => import("./child_work.ts"), "ChildWork");

/** For a process in a user namespace. */
export const limit = late(() => import("../process/rare_limits.ts"), "limit");

/** For a scheduler that a launcher's fork lost. */
export const schedule = late(() => import("../process/rare_limits.ts"), "schedule");

/** For the hooks of `create`. */
export const runCreateHooks = late(() => import("../hooks/container_hooks.ts"), "runCreateHooks");

/** For a filter that notifies. */
export const passListener = late(() => import("../process/seccomp_listener.ts"), "passListener");

/** For a terminal. */
export const receiveTerminal = late(() => import("../streams/terminal.ts"), "receiveTerminal");

/** For a caller that is another process. */
export const bearInit = late(() => import("./bear_init.ts"), "bearInit");
