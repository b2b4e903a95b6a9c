/**
 * What a container gets of a host where hull does not simply make its cgroups: systemd makes them,
 * or this program has not root's rights.
 *
 * @module
 */

import { newUnitManager } from "../cgroups/choice/make_systemd_manager.ts";
import type { CgroupManagerOptions } from "../cgroups/choice/make_manager.ts";
import type { CgroupManager } from "../cgroups/manager.ts";
import type { Config } from "../config/types/config.ts";
import { fitMounts } from "../rootless/fit_mounts.ts";
import { cgroupsForUser } from "../rootless/user_cgroups.ts";

/** What is to be fitted. */
export interface Fitting {
  readonly asks: Omit<CgroupManagerOptions, "driver">;
  readonly driver: "cgroupfs" | "systemd" | "disabled";
  readonly config: Config;
  /** Whether this program has less than root's rights on the host. */
  readonly isLess: boolean;
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
 * @throws {ContainerError} `ConfigInvalid`, `Unsupported`, `SystemError`
 */
export async function fitToHost(
  { asks, driver, config, isLess, isBuiltin, isLenient }: Fitting,
): Promise<{ readonly cgroups: CgroupManager; readonly valid: Config }> {
  const resources = config.linux?.resources;
  const { manager, limitsPids } = driver === "systemd"
    ? { manager: await newUnitManager(asks, config), limitsPids: true }
    : cgroupsForUser({ ...asks, driver, resources, isLenient });
  const { resources: _, ...others } = config.linux ?? {};
  const limited = isLenient && !limitsPids ? { ...config, linux: others } : config;
  return {
    cgroups: manager,
    valid: isLess ? fitMounts(limited, isBuiltin, asks.host.version) : limited,
  };
}
