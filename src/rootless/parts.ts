/**
 * What the preparation of a container needs of this room, loaded at once.
 *
 * @module
 */

import type { CgroupManagerOptions } from "../cgroups/choice/make_manager.ts";
import type { CgroupManager } from "../cgroups/manager.ts";
import type { Config } from "../config/types/config.ts";
import { fitMounts } from "./fit_mounts.ts";
import { cgroupsForUser } from "./user_cgroups.ts";

export { fitToUser, withReason } from "./user_config.ts";

/** What is to be fitted. */
export interface Fitting {
  readonly asks: Omit<CgroupManagerOptions, "driver">;
  /** How cgroups are made; the manager itself where systemd makes them. */
  readonly driver: CgroupManagerOptions["driver"] | CgroupManager;
  readonly config: Config;
  /** Whether it is the built-in default. */
  readonly isBuiltin: boolean;
  /**
   * Whether the limits are the built-in default's own: it does without where there are no cgroups,
   * and is isolated all the same.
   */
  readonly isLenient: boolean;
}

/**
 * The cgroups that a container can have here, and its config as it fits them and the mounts that
 * may be made.
 *
 * @throws {ContainerError} `Unsupported`
 */
export function fitToHost(
  { asks, driver, config, isBuiltin, isLenient }: Fitting,
): { readonly cgroups: CgroupManager; readonly valid: Config } {
  const resources = config.linux?.resources;
  const { manager, limitsPids } = typeof driver === "string"
    ? cgroupsForUser({ ...asks, driver, resources, isLenient })
    : { manager: driver, limitsPids: true };
  const { resources: _, ...others } = config.linux ?? {};
  const limited = isLenient && !limitsPids ? { ...config, linux: others } : config;
  return { cgroups: manager, valid: fitMounts(limited, isBuiltin, asks.host.version) };
}
