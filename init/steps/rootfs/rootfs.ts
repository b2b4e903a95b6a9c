/**
 * The root file system: a mount of its own, in a tree whose changes don't reach the host.
 *
 * Source: mount_namespaces(7), the runtime-spec's "Root" and "rootfsPropagation".
 *
 * @module
 */

import { AT_EMPTY_PATH, AT_FDCWD, O_DIRECTORY } from "../../../ffi/files/file.ts";
import {
  AT_RECURSIVE,
  MOUNT_ATTR_SIZE,
  mountAttributes,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  PROPAGATION,
} from "../../../ffi/files/mount.ts";
import { type PlanItem, result, StepBuilder } from "../../operations/operation.ts";
import { propagationOf } from "./mount_options.ts";
import type { RootFile } from "../../operations/root_files.ts";
import { fillRoot } from "./fill_root.ts";
import { attach } from "./mount_calls.ts";
import { makeOverlay, makeTmpfs, type Overlay } from "./overlay.ts";
import { openHostPlace, ROOT } from "../places/paths.ts";

const ROOTFS = "rootfs";

/** A tmpfs of the container's own as its root, filled with what the rootfs has or with files. */
export interface RootInMemory {
  /** How many bytes it may hold; not limited without it, but for half of the memory. */
  readonly bytes: number | undefined;
  /** Its files, rather than a copy of the rootfs's. */
  readonly files?: readonly RootFile[] | undefined;
  /** What it lies over, rather than having a copy of it. */
  readonly overlay?: Overlay | undefined;
}

/** Opens the root file system's folder while init can still reach it. */
export function openRootfs(rootfs: string): PlanItem[] {
  const step = new StepBuilder("sources");
  step.because("open the rootfs", rootfs, "/root/path");
  openHostPlace(step, rootfs, ROOTFS, O_DIRECTORY);
  return step.items;
}

/** How the mounts of the new mount namespace spread from the host's: at most one way. */
export function cutPropagation(rootfsPropagation: string | undefined): number {
  const asked = rootfsPropagation === undefined ? undefined : propagationOf(rootfsPropagation);
  const isCut = asked?.flag === PROPAGATION.private || asked?.flag === PROPAGATION.unbindable;
  return isCut ? PROPAGATION.private : PROPAGATION.slave;
}

/**
 * Cuts the new mount namespace off the host's, and copies the rootfs's mount tree. With shared
 * propagation the copy is taken first, so that it stays a peer of the host's mount, as asked for.
 *
 * @param memory the root in memory; undefined: it is the rootfs itself
 */
export function isolateMounts(
  propagation: string | undefined,
  memory: RootInMemory | undefined,
): PlanItem[] {
  const asked = propagation === undefined ? undefined : propagationOf(propagation);
  const step = new StepBuilder("propagation");
  const cut = () => {
    const flag = cutPropagation(propagation);
    step.because("stop mounts from reaching the host", "/", "/linux/rootfsPropagation");
    const attributes = mountAttributes(0, 0, flag);
    step.call("mount_setattr", [AT_FDCWD, "/", AT_RECURSIVE, attributes, MOUNT_ATTR_SIZE]);
  };
  const copy = () => {
    if (memory !== undefined) return makeInMemory(step, memory);
    step.because("copy the rootfs's mount", undefined, "/root/path");
    const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE;
    step.call("open_tree", [result(ROOTFS), "", flags], { label: ROOT });
  };
  if (asked?.flag === PROPAGATION.shared) {
    copy();
    cut();
  } else {
    cut();
    copy();
  }
  return step.items;
}

/**
 * The root of a container that does not own its mount namespace: a copy of the rootfs's mount tree
 * that is attached nowhere. All mounts are made in it, so the host or the other container sees none
 * of them, and they vanish with the last process that has this root.
 *
 * It takes Linux 6.15, which lets mounts be attached to a tree that is itself not attached, and lets
 * such a tree be copied: the copy alone can tell an older kernel from a wrong mount.
 */
export function detachRootfs(memory: RootInMemory | undefined): PlanItem[] {
  const step = new StepBuilder("propagation");
  if (memory !== undefined) makeInMemory(step, memory);
  else {
    step.because("copy the rootfs's mount, attached nowhere", undefined, "/root/path");
    const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE;
    step.call("open_tree", [result(ROOTFS), "", flags], { label: ROOT });
  }
  step.because("mount in a tree that is attached nowhere", undefined, "/linux/namespaces", SINCE)
    .call("open_tree", [result(ROOT), "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH], {
      label: TRIED,
    })
    .close(TRIED);
  step.because("stop mounts from reaching the host", "/", "/root/path")
    .call("mount_setattr", [
      result(ROOT),
      "",
      AT_EMPTY_PATH | AT_RECURSIVE,
      mountAttributes(0, 0, PROPAGATION.private),
      MOUNT_ATTR_SIZE,
    ])
    .close(ROOTFS);
  return step.items;
}

const TRIED = "root.tried";
const SINCE = "without a mount namespace of its own a container takes Linux 6.15";

function makeInMemory(step: StepBuilder, { bytes, files, overlay }: RootInMemory): void {
  if (overlay !== undefined) return makeOverlay(step, overlay, bytes, ROOT);
  step.because("make a tmpfs of the rootfs's files", "/", "/root/path");
  makeTmpfs(step, bytes, ROOT);
  if (files === undefined) step.copyUp(ROOTFS, ROOT);
  else fillRoot(step, files, ROOT);
}

/** Attaches the copy over the rootfs, as pivot_root wants it: a mount point. */
export function attachRootfs(): PlanItem[] {
  const step = new StepBuilder("rootfs");
  step.because("make the rootfs a mount point", undefined, "/root/path");
  attach(step, ROOT, ROOTFS);
  step.close(ROOTFS);
  return step.items;
}
