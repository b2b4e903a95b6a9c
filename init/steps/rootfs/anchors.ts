/**
 * The mounts of the kernel's own file systems that are held by fd while the root file system comes
 * to be.
 *
 * @module
 */

import { O_CLOEXEC } from "../../../ffi/files/file.ts";
import type { Facts } from "../../operations/facts.ts";
import {
  type CallOptions,
  type PlanItem,
  result,
  StepBuilder,
} from "../../operations/operation.ts";
import { collapse } from "../places/paths.ts";
import { isKernels, isRemount, mountOf, type PlannedMount } from "./planned_mount.ts";

/** A mount whose fd stays open, and where it is. */
export interface Anchor {
  readonly destination: string;
  /** The label of its fd. */
  readonly mount: string;
  /** Whether a later mount may lie over it, by another name. */
  readonly mayBeCovered: boolean;
}

/**
 * The mounts of the kernel's own file systems, proc and sysfs, whose fds stay open. Paths in them
 * that must be covered are looked for from these fds, because the name /proc may come to mean
 * something else in a rootfs that others can write to. Mounts that a later mount of the config
 * covers by its name are left out.
 */
export function anchorsOf(
  mounts: readonly PlannedMount[],
  isDetached: boolean,
  facts: Facts,
): Anchor[] {
  if (!mounts.some(isKernels)) return [];
  const paths = mounts.map(({ mount }) => collapse(mount.destination));
  const remounts = mounts.map(isRemount);
  // If a link is on the way, the path does not tell where the mount is.
  const moved = mounts.map(({ mount, position }, k) => {
    const { isSure, components } = facts.destination(mount.destination, position);
    const resolved = "/" + components.join("/");
    return !isSure || resolved !== paths[k] ? { isSure, resolved } : undefined;
  });
  return mounts.flatMap((planned, k) => {
    const { mount: { destination }, label } = planned;
    if (!isKernels(planned)) return [];
    // A tree that is copied over itself has copies of the mounts in it: those are looked for by
    // their names.
    const isCopied = (path: string, at: number) =>
      isDetached && remounts[at] === true && path !== "/" && destination.startsWith(`${path}/`);
    if (paths.some(isCopied)) return [];
    const isHidden = (path: string, at: number) =>
      at > k && remounts[at] !== true && isOver(path, destination);
    if (paths.some(isHidden)) return [];
    const mayBeCovered = moved.some((place, at) =>
      place !== undefined && at > k && (isDetached || remounts[at] !== true) &&
      (!place.isSure || isOver(place.resolved, destination))
    );
    return [{ destination, mount: mountOf(label), mayBeCovered }];
  });
}

/** Whether what is mounted at one path hides what is mounted at another. */
function isOver(path: string, covered: string): boolean {
  return path === "/" || path === covered || covered.startsWith(`${path}/`);
}

/** A mount that lies over an anchor takes the anchor's place. */
export function moveAnchor(
  step: StepBuilder,
  anchor: Anchor,
  to: string,
  options: CallOptions = {},
): void {
  step.call("dup3", [result(to), result(anchor.mount), O_CLOEXEC], options);
}

/** Closes the fds of the kernel's file systems. */
export function closeAnchors(anchors: readonly Anchor[]): PlanItem[] {
  const step = new StepBuilder("masks");
  return step.because("close the mounts that were held").close(...anchors.map(({ mount }) => mount))
    .items;
}
