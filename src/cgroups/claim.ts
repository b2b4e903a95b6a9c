/**
 * Whether a container can use a cgroup. A cgroup that does not exist becomes the container's own
 * when it is made. One that exists was made by somebody else: the container may be put into it, as
 * its config says, but only if no other process is in it, and it stays when the container is
 * removed.
 *
 * @module
 */

import { ContainerError } from "../errors.ts";
import type { FreezerState } from "./manager.ts";
import { folderExists } from "./tree.ts";
import { forEachCgroup } from "./walk.ts";

/**
 * Looks at a container's folders.
 *
 * @returns those that are not there
 * @throws {ContainerError} IdInUse for one that is in use
 */
export function claimCgroups(
  folders: readonly string[],
  freezerState: () => FreezerState,
): readonly string[] {
  const missing = folders.filter((folder) => !folderExists(folder));
  if (missing.length === folders.length) return missing;
  const there = folders.filter((folder) => !missing.includes(folder));
  there.forEach(requireUnused);
  if (freezerState() === "frozen") throw inUse(there[0] as string, "is frozen");
  return missing;
}

/**
 * Checks a folder that is there at the moment when it should be made. It may have appeared since
 * the claim, because nothing locks it.
 *
 * @param claimed those that were not there when the container was made
 * @throws {ContainerError} IdInUse
 */
export function requireShared(folder: string, claimed: readonly string[] | undefined): void {
  if (claimed?.includes(folder)) throw inUse(folder, "was made by another program meanwhile");
  requireUnused(folder);
}

function requireUnused(folder: string): void {
  forEachCgroup(folder, (cgroup) => {
    // Processes of another pid namespace show as 0; a threaded cgroup shows its threads alone.
    const inside = cgroup.readIfPresent("cgroup.procs") ?? cgroup.readIfPresent("cgroup.threads");
    if ((inside ?? "") === "") return;
    throw inUse(folder, cgroup.path === folder ? "holds processes" : "has cgroups with processes");
  });
}

function inUse(folder: string, how: string): ContainerError {
  return new ContainerError("IdInUse", `the cgroup ${folder} is another's: it ${how}`, {
    step: "cgroups",
    path: folder,
    pointer: "/linux/cgroupsPath",
    hint: "choose another linux.cgroupsPath or id",
  });
}
