/**
 * What a Factory gives each of its containers.
 *
 * @module
 */

import type { Poller } from "../../ffi/waiting/poll.ts";
import type { CgroupHost } from "../cgroups/detect.ts";
import type { CgroupManager } from "../cgroups/manager.ts";
import type { InitKind } from "../../init/start_way.ts";
import type { Fault } from "../errors.ts";
import type { Bearer } from "../process/bearer.ts";
import type { RecentProfiles } from "../security/filters/seccomp.ts";
import type { RecentPlans } from "./recent_plans.ts";
import type { StateStore } from "./state_store.ts";
import type { Lane, Trace } from "../trace/trace.ts";

/** What a Factory gives each of its containers. */
export interface ContainerSurroundings {
  readonly store: StateStore;
  readonly poller: Poller;
  readonly host: CgroupHost;
  readonly cgroups: CgroupManager;
  /** The filters that the Factory's containers used last. */
  readonly filters: RecentProfiles;
  /** What was done last in containers. */
  readonly plans: RecentPlans;
  readonly initCommand: readonly string[] | undefined;
  /** Which init a start uses that doesn't say. */
  readonly initKind: InitKind;
  /** The trace of what is done with the container. */
  readonly trace: Trace | undefined;
  /** Where one call is traced. */
  readonly lane?: Lane | undefined;
  /** The process that bears, if this program does another's work; without one this one does. */
  readonly bearer?: Bearer | undefined;
  readonly onWarning: ((warning: Fault) => void) | undefined;
}
