/**
 * The one interface to a container's cgroups. Behind it: cgroup v1, where each controller has a
 * tree of its own, cgroup v2, the one tree, and nothing at all (driver `disabled`).
 *
 * The way of a container: `create`, `apply`, its processes enter by `entries`, `destroy`.
 *
 * @module
 */

import { ContainerError } from "../errors.ts";
import type { Resources } from "../config/types.ts";
import type { CgroupHost } from "./detect.ts";
import { DisabledManager } from "./disabled.ts";
import { cgroupPaths } from "./paths.ts";
import type { Stats } from "./stats.ts";
import { ManagerV1 } from "./v1/manager.ts";
import { ManagerV2 } from "./v2/manager.ts";

/** Whether a cgroup is frozen itself; `absent` when there is no freezer or no cgroup. */
export type FreezerState = "frozen" | "thawed" | "absent";

/** A file that a process enters a cgroup by. */
export interface CgroupEntry {
  /** The controllers of the cgroup, joined by commas; "" for cgroup v2. */
  readonly controller: string;
  /** The absolute path of its cgroup.procs. Writing "0" moves the writer itself. */
  readonly path: string;
  /**
   * Whether what happens inside is charged or limited (memory, pids, cpu, cpuset, blkio; on v2 all
   * of it): such a cgroup is entered right before execve, so that init's own use does not count.
   */
  readonly late: boolean;
}

/** How `apply` treats what the resources don't name. */
export interface ApplyOptions {
  /**
   * Change only what is named: without `devices` the device rules stay as they are. Otherwise
   * the rules are set in any case, to the devices that every container may use.
   */
  readonly update?: boolean | undefined;
}

/** A container's cgroups. */
export interface CgroupManager {
  /** The version whose rules apply. */
  readonly version: 1 | 2;
  /**
   * Controller → absolute folder; on v2 one, with the key "" (which on a hybrid host is the v2
   * tree beside the v1 ones). Enough, with {@linkcode loadCgroupManager}, to find them again.
   */
  readonly paths: Readonly<Record<string, string>>;

  /**
   * Makes the folders with their parents; what exists stays. What was made is removed on failure.
   *
   * @throws {ContainerError} SystemError
   */
  create(): void;

  /** Whether any of the folders exists. */
  exists(): boolean;

  /**
   * The processes inside, by the pids of this pid namespace.
   *
   * @param options `all` adds those of sub-cgroups
   * @throws {ContainerError} SystemError
   */
  processes(options?: { readonly all?: boolean | undefined }): number[];

  /**
   * Sets the limits. 0 leaves a limit as it is (but for pids.limit), a negative one lifts it.
   *
   * @throws {ContainerError} ConfigInvalid, Unsupported or SystemError, with the field's pointer
   */
  apply(resources: Resources, options?: ApplyOptions): void;

  /** What a process enters, in this order. */
  entries(): readonly CgroupEntry[];

  /**
   * Stops all processes and returns once they have stopped.
   *
   * @throws {ContainerError} SystemError if they don't in some seconds; they go on then
   */
  freeze(): Promise<void>;

  /**
   * Lets them go on.
   *
   * @throws {ContainerError} SystemError
   */
  thaw(): Promise<void>;

  /** Whether they are frozen. */
  freezerState(): FreezerState;

  /**
   * Signals every process, sub-cgroups included, so that none escapes by forking.
   *
   * @param signal its number
   * @throws {ContainerError} SystemError
   */
  kill(signal: number): void;

  /**
   * What the container uses.
   *
   * @throws {ContainerError} SystemError
   */
  stats(): Stats;

  /**
   * Removes the folders, sub-cgroups first; those above them stay. No error if they are gone.
   *
   * @throws {ContainerError} SystemError with EBUSY after some seconds if a process is inside
   */
  destroy(): Promise<void>;
}

/** Which kind of manager, and for which container. */
export interface CgroupManagerOptions {
  /** See {@linkcode detectCgroups}. */
  readonly host: CgroupHost;
  /** `linux.cgroupsPath` of the config. */
  readonly cgroupsPath: string | undefined;
  /** The container's id, its cgroup's name when the config gives no path. */
  readonly id: string;
  /** How cgroups are made: by their file system, by systemd (not yet), or not at all. */
  readonly driver: "cgroupfs" | "systemd" | "disabled";
}

/**
 * The manager of a new container's cgroups; nothing is made yet.
 *
 * @throws {ContainerError} ConfigInvalid for a path that is not the container's own, Unsupported
 * for the driver `systemd`
 *
 * @example A limit for one process
 * ```ts
 * import { assert } from "@std/assert";
 * import { detectCgroups } from "./detect.ts";
 * import { newCgroupManager } from "./manager.ts";
 *
 * const manager = newCgroupManager({
 *   host: detectCgroups(),
 *   cgroupsPath: undefined,
 *   id: `hull-example-${crypto.randomUUID()}`,
 *   driver: "cgroupfs",
 * });
 * manager.create();
 * try {
 *   manager.apply({ pids: { limit: 5 } });
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
  if (driver === "systemd") {
    throw new ContainerError("Unsupported", "the systemd cgroup driver is not there yet", {
      step: "cgroups",
      hint: "use the driver cgroupfs",
    });
  }
  if (driver === "disabled") return new DisabledManager(host.version);
  return managerFor(host, cgroupPaths(host, cgroupsPath, id));
}

/**
 * The manager of a container's cgroups from the `paths` that were saved; `{}` means that they
 * are disabled.
 *
 * @throws {ContainerError} ConfigInvalid if they are not folders of this host's cgroups
 */
export function loadCgroupManager(
  host: CgroupHost,
  paths: Readonly<Record<string, string>>,
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
  return managerFor(host, paths);
}

function managerFor(host: CgroupHost, paths: Readonly<Record<string, string>>): CgroupManager {
  return host.version === 1 ? new ManagerV1(host, paths) : new ManagerV2(host, paths);
}
