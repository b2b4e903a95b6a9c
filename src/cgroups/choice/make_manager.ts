/**
 * Chooses the manager of a container's cgroups, by the host's version and what the config asks for.
 *
 * @module
 */

import { ContainerError } from "../../errors.ts";
import { lateNew } from "../../own/late.ts";
import type { CgroupHost } from "../detect.ts";
import { DisabledManager } from "./disabled.ts";
import type { CgroupManager, StoredUnit } from "../manager.ts";
import { cgroupPaths } from "./paths.ts";
import { ManagerV1 } from "../v1/manager.ts";
import { ManagerV2 } from "../v2/manager.ts";

const newSystemdManager = lateNew(() => import("../systemd/manager.ts"), "SystemdManager");

/** Which kind of manager, and for which container. */
export interface CgroupManagerOptions {
  /** See {@linkcode detectCgroups}. */
  readonly host: CgroupHost;
  /** `linux.cgroupsPath` of the config. */
  readonly cgroupsPath: string | undefined;
  /** The container's id, its cgroup's name when the config gives no path. */
  readonly id: string;
  /** How cgroups are made: by their file system, by systemd, or not at all. */
  readonly driver: "cgroupfs" | "disabled";
}

/**
 * The manager of a new container's cgroups; nothing is made yet. Those that systemd makes have
 * `newUnitManager`.
 *
 * @throws {ContainerError} ConfigInvalid for a path that is not the container's own
 *
 * @example A limit for one process
 * ```ts
 * import { assert } from "@std/assert";
 * import { detectCgroups } from "../detect.ts";
 * import { newCgroupManager } from "./make_manager.ts";
 *
 * const manager = newCgroupManager({
 *   host: detectCgroups(),
 *   cgroupsPath: undefined,
 *   id: `hull-example-${crypto.randomUUID()}`,
 *   driver: "cgroupfs",
 * });
 * manager.create();
 * try {
 *   await manager.apply({ pids: { limit: 5 } });
 *   const child = new Deno.Command("sleep", { args: ["60"] }).spawn();
 *   for (const entry of manager.entries()) Deno.writeTextFileSync(entry.path, String(child.pid));
 *   assert(manager.processes()[0] === child.pid);
 *   assert(manager.stats().pids?.limit === 5);
 *   manager.kill(9);
 *   await child.status;
 * } finally {
 *   await manager.destroy();
 * }
 * ```
 */
export function newCgroupManager(options: CgroupManagerOptions): CgroupManager {
  const { host, cgroupsPath, id, driver } = options;
  if (driver === "disabled") return new DisabledManager(host.version);
  return managerFor(host, cgroupPaths(host, cgroupsPath, id));
}

/**
 * The manager of a container's cgroups from the `paths` that were saved; `{}` means that they
 * are disabled. It makes, limits and removes what is there by its files alone: see
 * {@linkcode keeperOf}.
 *
 * @param unit the unit that was saved, if systemd makes them
 * @throws {ContainerError} ConfigInvalid if they are not folders of this host's cgroups
 */
export function loadCgroupManager(
  host: CgroupHost,
  paths: Readonly<Record<string, string>>,
  unit?: StoredUnit,
): CgroupManager {
  if (Object.keys(paths).length === 0) return new DisabledManager(host.version);
  for (const [controller, path] of Object.entries(paths)) {
    const hierarchy = host.hierarchies.find((h) => h.controllers.includes(controller));
    const below = hierarchy !== undefined && path.startsWith(`${hierarchy.mountPoint}/`);
    if (!below || path.split("/").includes("..")) {
      throw new ContainerError("ConfigInvalid", "the saved cgroup is none of this host", {
        step: "cgroups",
        path,
        hint: `the controller is ${JSON.stringify(controller)}`,
      });
    }
  }
  return managerFor(host, paths, unit);
}

/**
 * Who makes, limits and removes cgroups: their manager, or systemd, which is loaded for that.
 *
 * @param cgroups what `loadCgroupManager` gave
 */
export async function keeperOf(cgroups: CgroupManager, host: CgroupHost): Promise<CgroupManager> {
  const { unit } = cgroups;
  return unit === undefined ? cgroups : await newSystemdManager(cgroups, host, unit);
}

function managerFor(
  host: CgroupHost,
  paths: Readonly<Record<string, string>>,
  unit?: StoredUnit,
): CgroupManager {
  return host.version === 1 ? new ManagerV1(host, paths, unit) : new ManagerV2(host, paths, unit);
}
