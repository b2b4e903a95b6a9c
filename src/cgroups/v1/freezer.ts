/**
 * The v1 freezer.
 *
 * Source: the kernel's Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst.
 *
 * @module
 */

import { AT_FDCWD } from "../../../ffi/files/file.ts";
import { statAt } from "../../../ffi/files/file_status.ts";
import { ContainerError } from "../../errors.ts";
import { CgroupFolder } from "../folder.ts";
import type { Freezer } from "../kill.ts";
import { comesTrue } from "../waiting.ts";
import { forEachCgroup } from "../walk.ts";

const TIMEOUT_MS = 5000;
/** A folder's own names; each folder below gives it one more. */
const LINKS_OF_LEAF = 2;
const ROUNDS_BETWEEN_THAWS = 16;

/** The freezer of the cgroup at `path`, for a signal to all. */
export function freezerV1(path: string): Freezer {
  return {
    request: () => setState(path, "FROZEN"),
    hasFrozen: () => getState(path) === "FROZEN",
    release: () => setState(path, "THAWED"),
    letDie: () => thawAllV1(path),
  };
}

/**
 * Thaws this cgroup and all below it, each of which may be frozen by itself. In this freezer not
 * even a killed process ends.
 */
export function thawAllV1(path: string): void {
  // A cgroup that vanishes meanwhile is no error.
  forEachCgroup(path, (folder) => void folder.tryWrite("freezer.state", "THAWED"));
}

/**
 * Freezes. The kernel may stay in FREEZING while new processes appear. Asking again helps, and so
 * does thawing from time to time.
 *
 * @throws {ContainerError} SystemError if it does not succeed in 5 seconds; it is thawed then
 * @throws the signal's reason; it is thawed then, too
 */
export async function freezeV1(path: string, signal?: AbortSignal): Promise<void> {
  let round = 0;
  const isFrozen = () => {
    if (++round % ROUNDS_BETWEEN_THAWS === 0) setState(path, "THAWED");
    setState(path, "FROZEN");
    return getState(path) === "FROZEN";
  };
  let frozen = false;
  try {
    frozen = await comesTrue(isFrozen, TIMEOUT_MS, signal);
  } finally {
    if (!frozen) setState(path, "THAWED");
  }
  if (frozen) return;
  throw new ContainerError("SystemError", "the processes can't be frozen", {
    step: "cgroups",
    path: `${path}/freezer.state`,
    hint: "one of them waits in the kernel and can't be stopped (state D)",
  });
}

/** Lets the processes go on. */
export function thawV1(path: string): void {
  setState(path, "THAWED");
}

/** Whether this cgroup itself is frozen or being frozen; a frozen parent does not count. */
export function isFrozenV1(path: string): boolean {
  using folder = new CgroupFolder(path);
  const self = folder.readIfPresent("freezer.self_freezing")?.trim();
  return self === undefined ? folder.read("freezer.state").trim() !== "THAWED" : self === "1";
}

/** Whether it is frozen, or has cgroups below it, which may be. */
export function mayHoldKilledV1(path: string): boolean {
  return isFrozenV1(path) || statAt(AT_FDCWD, path).links > LINKS_OF_LEAF;
}

function getState(path: string): string {
  using folder = new CgroupFolder(path);
  return folder.read("freezer.state").trim();
}

function setState(path: string, state: "FROZEN" | "THAWED"): void {
  using folder = new CgroupFolder(path);
  folder.write("freezer.state", state);
}
