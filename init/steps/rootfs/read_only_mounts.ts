/**
 * A read-only tmpfs is made read-only only after everything in it was made, as other runtimes do:
 * places of later mounts, devices, the working folder. Its fd stays open until then, since its path
 * may lead elsewhere by that time. /dev has its own step, behind the terminal.
 *
 * @module
 */

import { MOUNT_ATTR, mountAttributes } from "../../../ffi/files/mount.ts";
import { isBindMount } from "../../../src/config/mount_options.ts";
import { type PlanItem, StepBuilder } from "../../operations/operation.ts";
import { setAttributes } from "./mount_calls.ts";
import { parseMountOptions } from "./mount_options.ts";
import { mountOf, NONE, type PlannedMount } from "./planned_mount.ts";

const { RDONLY } = MOUNT_ATTR;

/**
 * Whether a mount is one of them.
 *
 * @param isDetached whether it is made in a tree that is attached nowhere, of which nothing but the
 *   root can be changed
 */
export function isProtectedLate({ mount }: PlannedMount, isDetached: boolean): boolean {
  if (isDetached || mount.type !== "tmpfs" || mount.destination === "/dev") return false;
  const { remount, attributes } = parseMountOptions(mount.options ?? NONE);
  return !isBindMount(mount) && !remount && ((attributes?.set ?? 0) & RDONLY) !== 0;
}

/** Makes them read-only, and lets go of them. */
export function protectMounts(mounts: readonly PlannedMount[], isDetached: boolean): PlanItem[] {
  const step = new StepBuilder("pivot");
  for (const planned of mounts) {
    if (!isProtectedLate(planned, isDetached)) continue;
    const { mount: { destination }, pointer, label } = planned;
    step.because(`make the tmpfs at ${destination} read-only`, destination, pointer);
    setAttributes(step, mountOf(label), mountAttributes(RDONLY, 0));
    step.close(mountOf(label));
  }
  return step.items;
}
