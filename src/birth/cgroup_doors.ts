/**
 * The cgroups as a birth needs them: open files by which the child enters them, and what a cgroup
 * mount shows.
 *
 * @module
 */

import { entryFile } from "../../ffi/files/cgroup_entry.ts";
import { type Fd, O_DIRECTORY, O_PATH, O_WRONLY, open } from "../../ffi/files/file.ts";
import type { CgroupDoor } from "./birth.ts";
import type { CgroupHierarchy, CgroupHost } from "../cgroups/detect.ts";
import type { CgroupEntry, CgroupManager } from "../cgroups/manager.ts";
import type { CgroupMount } from "../../init/operations/init_config.ts";

/**
 * Opens the file by which each of the container's cgroups is entered; the stack closes them. Where
 * systemd has still to make the cgroups, it keeps the number of each free: see `later_doors.ts`.
 *
 * @param withWayOut whether the child must come back from the late ones, for a cgroup namespace
 * @throws {SyscallError}
 */
export function openDoors(
  host: CgroupHost,
  manager: CgroupManager,
  withWayOut: boolean,
  stack: DisposableStack,
): CgroupDoor[] {
  return manager.entries().map((entry) => {
    const { controller, late, isBirthplace } = entry;
    const isLater = manager.made !== undefined;
    const inside = stack.use(isLater ? open("/", O_PATH | O_DIRECTORY) : openDoor(entry));
    const door = { controller, inside: inside.number, late, isBirthplace };
    if (!late || !withWayOut) return { ...door, outside: undefined };
    const own = hierarchyOf(host, controller)?.ownFolder ?? "";
    const outside = stack.use(open(`${own}/${entryFile(controller)}`, O_WRONLY));
    return { ...door, outside: outside.number };
  });
}

/** Opens the file of one. */
export function openDoor({ folder, path, isBirthplace }: CgroupEntry): Fd {
  return isBirthplace ? open(folder, O_PATH | O_DIRECTORY) : open(path, O_WRONLY);
}

function hierarchyOf(host: CgroupHost, controller: string): CgroupHierarchy | undefined {
  const [first = ""] = controller.split(",");
  return host.hierarchies.find(({ controllers }) => controllers.includes(first));
}

/** The container's folder in each v1 hierarchy: what a cgroup mount without a namespace shows. */
export function cgroupTrees(host: CgroupHost, manager: CgroupManager): CgroupMount[] {
  return host.hierarchies
    .filter(({ controllers }) => !controllers.includes(""))
    .map(({ controllers, mountPoint, ownFolder }) => {
      const own = controllers.map((name) => manager.paths[name]).find((path) => path !== undefined);
      return {
        name: mountPoint.slice(mountPoint.lastIndexOf("/") + 1),
        controllers,
        source: own ?? ownFolder,
        ...(own === undefined ? { isShared: true } : {}),
      };
    });
}
