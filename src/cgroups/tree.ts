/**
 * Cgroups as folders in a tree: made with their parents, listed with what is below, removed from
 * the leaves up.
 *
 * @module
 */

import { errnoName, SyscallError } from "../../ffi/errno.ts";
import { AT_FDCWD, AT_REMOVEDIR, makeFolder, unlinkAt } from "../../ffi/file.ts";
import { tryStatPath } from "../../ffi/file_status.ts";
import { ContainerError } from "../errors.ts";
import { cgroupError, CgroupFolder } from "./folder.ts";

const REMOVE_TRIES = 11;

/**
 * Makes `path` and what is missing above it; `prepare` is called for each folder from `top`'s child
 * down, new or not, before the next one is made. Folders that it makes are added to `made`.
 *
 * @throws {ContainerError} SystemError
 */
export function makeCgroup(
  top: string,
  path: string,
  made: string[],
  prepare: (folder: string, parent: string, isNew: boolean) => void,
): void {
  const below = path.startsWith(top + "/") ? path.slice(top.length + 1).split("/") : [];
  let current = top;
  for (const part of below) {
    const parent = current;
    current = `${parent}/${part}`;
    const isNew = makeCgroupFolder(current);
    if (isNew) made.push(current);
    prepare(current, parent, isNew);
  }
}

function makeCgroupFolder(path: string): boolean {
  try {
    return makeFolder(path, 0o755);
  } catch (error) {
    throw cgroupError("cannot make the cgroup", error, path);
  }
}

/** Removes folders just made, the last first; what can't be removed stays. */
export function undoCgroups(made: readonly string[]): void {
  for (const path of made.toReversed()) removeFolder(path);
}

/** The paths of all cgroups below one, parents before children; none if it is gone. */
export function descendants(path: string): string[] {
  const found: string[] = [];
  let entries: Deno.DirEntry[];
  try {
    entries = [...Deno.readDirSync(path)];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return found;
    throw error;
  }
  for (const entry of entries) {
    if (!entry.isDirectory) continue;
    const child = `${path}/${entry.name}`;
    found.push(child, ...descendants(child));
  }
  return found;
}

/**
 * Removes a cgroup with all below it. A cgroup whose last process has just died may be busy for a
 * moment, so it is tried again for about two seconds.
 *
 * @throws {ContainerError} SystemError with EBUSY if it holds processes
 */
export async function removeCgroup(path: string): Promise<void> {
  let errno = removeFolder(path);
  for (let attempt = 0; errno !== undefined; attempt++) {
    if (attempt === REMOVE_TRIES) {
      throw new ContainerError("SystemError", "cannot remove the cgroup", {
        step: "cgroups",
        syscall: "unlinkat",
        errno,
        path,
        hint: errno === "EBUSY" ? "it still holds processes" : undefined,
      });
    }
    if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, 2 ** (attempt - 1)));
    for (const child of descendants(path).toReversed()) removeFolder(child);
    errno = removeFolder(path);
  }
}

/**
 * Removes several, each as `removeCgroup` does; one that can't be removed does not keep the others.
 *
 * @throws {ContainerError} SystemError for the first that remains
 */
export async function removeCgroups(paths: readonly string[]): Promise<void> {
  const results = await Promise.allSettled(paths.map((path) => removeCgroup(path)));
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

/** Whether there is such a folder. */
export function folderExists(path: string): boolean {
  const status = tryStatPath(path, false);
  if (typeof status !== "number") return true;
  if (errnoName(status) === "ENOENT") return false;
  const error = new SyscallError("statx", status, path);
  throw cgroupError("cannot look at the cgroup", error, path);
}

/** The name of the error; undefined once the folder is gone. */
function removeFolder(path: string): string | undefined {
  try {
    unlinkAt(AT_FDCWD, path, AT_REMOVEDIR);
    return undefined;
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    return error.code === "ENOENT" ? undefined : error.code;
  }
}

/**
 * The processes in one cgroup, without those below. Empty if the cgroup is gone.
 *
 * @throws {ContainerError} SystemError
 */
export function processesIn(path: string): number[] {
  try {
    using folder = new CgroupFolder(path);
    // The procs file of a threaded cgroup can't be read (cgroups(7), "thread mode").
    const text = folder.readIfPresent("cgroup.procs") ?? folder.read("cgroup.threads");
    // 0 stands for a process of another pid namespace.
    return text.split("\n").filter((line) => line !== "" && line !== "0").map(Number);
  } catch (error) {
    if (error instanceof ContainerError && /^(ENOENT|ENODEV)$/.test(error.errno ?? "")) return [];
    throw error;
  }
}

/** The processes in a cgroup and below it, each once. */
export function processesBelow(path: string): number[] {
  const all = new Set(processesIn(path));
  for (const child of descendants(path)) processesIn(child).forEach((pid) => all.add(pid));
  return [...all];
}
