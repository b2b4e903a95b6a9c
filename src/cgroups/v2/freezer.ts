/**
 * The freezer of cgroup v2 (Linux 5.2), which every cgroup has but the root.
 *
 * @module
 */

import { ContainerError } from "../../errors.ts";
import { CgroupFolder } from "../folder.ts";
import type { Freezer } from "../kill.ts";
import { comesTrue } from "../waiting.ts";

const TIMEOUT_MS = 5000;

/** The freezer of the cgroup at `path`, for a signal to all. */
export function freezerV2(path: string): Freezer {
  return {
    request: () => setFrozen(path, true),
    hasFrozen: () => hasFrozen(path),
    release: () => setFrozen(path, false),
    letDie: () => setFrozen(path, false), // a frozen process dies as any other
  };
}

/**
 * Freezes.
 *
 * @throws {ContainerError} SystemError if it does not succeed in 5 seconds; it is thawed then
 * @throws the signal's reason; it is thawed then, too
 */
export async function freezeV2(path: string, signal?: AbortSignal): Promise<void> {
  setFrozen(path, true);
  let frozen = false;
  try {
    frozen = await comesTrue(() => hasFrozen(path), TIMEOUT_MS, signal);
  } finally {
    if (!frozen) setFrozen(path, false);
  }
  if (frozen) return;
  throw new ContainerError("SystemError", "the processes can't be frozen", {
    step: "cgroups",
    path: `${path}/cgroup.freeze`,
    hint: "one of them waits in the kernel and can't be stopped (state D)",
  });
}

/** Lets the processes go on. */
export function thawV2(path: string): void {
  setFrozen(path, false);
}

/**
 * Whether this cgroup itself was told to freeze; a frozen parent does not count. Undefined where
 * the kernel has no freezer.
 */
export function isFrozenV2(path: string): boolean | undefined {
  using folder = new CgroupFolder(path);
  const text = folder.readIfPresent("cgroup.freeze");
  return text === undefined ? undefined : text.trim() === "1";
}

function hasFrozen(path: string): boolean {
  using folder = new CgroupFolder(path);
  return folder.table("cgroup.events").frozen === 1;
}

function setFrozen(path: string, frozen: boolean): void {
  using folder = new CgroupFolder(path);
  folder.write("cgroup.freeze", frozen ? "1" : "0");
}
