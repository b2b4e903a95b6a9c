/**
 * Cgroups as folders in a tree: made with their parents, listed with what is below, removed from
 * the leaves up.
 *
 * @module
 */

import { fieldIfAlive } from "../../ffi/processes/process_status.ts";
import { EROFS, errnoName, failedWith, SyscallError } from "../../ffi/c/errno.ts";
import { AT_FDCWD, AT_REMOVEDIR } from "../../ffi/files/file.ts";
import { makeFolder, unlinkAt } from "../../ffi/files/entries.ts";
import { tryStatPath } from "../../ffi/files/file_status.ts";
import { type Aside, runAside } from "../../ffi/waiting/aside.ts";
import type { Operation } from "../../ffi/program/operation.ts";
import { SyscallProgram } from "../../ffi/program/program.ts";
import { ContainerError } from "../errors.ts";
import { late } from "../own/late.ts";
import { cgroupError } from "./cgroup_errors.ts";
import { CgroupFolder } from "./folder.ts";
import { comesTrue } from "./waiting.ts";
import { forEachCgroup, removeBelow } from "./walk.ts";

const nameProcesses = late(() => import("./remaining.ts"), "nameProcesses");

/**
 * How long a removal is tried: a dying process first gives back all its memory, and only then
 * leaves its cgroup.
 */
const REMOVE_MS = 5000;

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
    const isForbidden = failedWith(error, "EACCES", "EPERM", "EROFS");
    const known = isForbidden
      ? { hint: "choose the cgroup driver systemd, which may make it" }
      : {};
    throw cgroupError("cannot make the cgroup", error, path, known);
  }
}

/** Removes folders that were just made, the last one first. Those that can't be removed stay. */
export function undoCgroups(made: readonly string[]): void {
  for (const path of made.toReversed()) removeFolder(path);
}

/**
 * Removes a cgroup with all below it. One whose last process has just died may be busy for a
 * moment, so it is tried again.
 *
 * @param timeoutMs for how long, in milliseconds
 * @throws {ContainerError} SystemError with EBUSY and who is inside, if it holds processes
 */
export async function removeCgroup(path: string, timeoutMs: number = REMOVE_MS): Promise<void> {
  let errno = removeFolder(path);
  if (errno === undefined) return;
  const isOver = () => {
    removeBelow(path);
    errno = removeFolder(path);
    return errno === undefined || errno !== "EBUSY";
  };
  await comesTrue(isOver, timeoutMs);
  if (errno === undefined) return;
  throw new ContainerError("SystemError", "cannot remove the cgroup", {
    step: "cgroups",
    syscall: "unlinkat",
    errno,
    path,
    hint: errno === "EBUSY" ? await whoIsInside(processesBelow(path)) : undefined,
  });
}

async function whoIsInside(pids: readonly number[]): Promise<string> {
  if (pids.length > 0) return `it still holds ${await nameProcesses(pids)}`;
  return "it holds no process: another program makes cgroups in it";
}

/**
 * Removes several, each as `removeCgroup` does. If one can't be removed, the others still are.
 *
 * @throws {ContainerError} SystemError for the first that remains
 */
export async function removeCgroups(paths: readonly string[]): Promise<void> {
  const results = await Promise.allSettled(paths.map((path) => removeCgroup(path)));
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

/**
 * Removes cgroups if they hold no process and no other cgroup, up to the first one that does. The
 * kernel makes whoever removes one wait.
 *
 * @returns whether there is none of them any more
 */
export async function removeIfEmpty(paths: readonly string[], aside: Aside): Promise<boolean> {
  const program = new SyscallProgram(paths.map((path): Operation => ({
    syscall: "unlinkat",
    args: [AT_FDCWD, path, AT_REMOVEDIR],
    tolerated: "ENOENT",
  })));
  await runAside(program, aside);
  const failed = program.failure();
  // A file system that is read-only is told before what is missing.
  return failed === undefined ||
    (failed.errno === EROFS && paths.every((path) => removeFolder(path) === undefined));
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
    // A file system that is read-only is told before what is missing.
    const isGone = error.code === "ENOENT" || (error.code === "EROFS" && !folderExists(path));
    return isGone ? undefined : error.code;
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
    return processesOf(folder);
  } catch (error) {
    if (error instanceof ContainerError && /^(ENOENT|ENODEV)$/.test(error.errno ?? "")) return [];
    throw error;
  }
}

/**
 * The processes in a cgroup and below it, each once.
 *
 * @throws {ContainerError} SystemError
 */
export function processesBelow(path: string): number[] {
  const all = new Set<number>();
  forEachCgroup(path, (folder) => processesOf(folder).forEach((pid) => all.add(pid)));
  return [...all];
}

function processesOf(folder: CgroupFolder): number[] {
  const text = folder.readIfPresent("cgroup.procs");
  if (text !== undefined) return numbersOf(text);
  // The procs file of a threaded cgroup can't be read (cgroups(7), "thread mode").
  const threads = numbersOf(folder.readIfPresent("cgroup.threads") ?? "");
  return [...new Set(threads.flatMap(leaderOf))];
}

function numbersOf(text: string): number[] {
  // 0 stands for a process of another pid namespace.
  return text.split("\n").filter((line) => line !== "" && line !== "0").map(Number);
}

/** The process of a thread; none if it has ended. */
function leaderOf(thread: number): number[] {
  const leader = fieldIfAlive(thread, "Tgid");
  return leader === undefined ? [] : [Number(leader)];
}
