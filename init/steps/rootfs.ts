/**
 * The root file system: a mount of its own, in a tree whose changes don't reach the host.
 *
 * Source: mount_namespaces(7), the runtime-spec's "Root" and "rootfsPropagation".
 *
 * @module
 */

import { AT_EMPTY_PATH, AT_FDCWD, O_DIRECTORY } from "../../ffi/file.ts";
import {
  AT_RECURSIVE,
  MOUNT_ATTR_SIZE,
  mountAttributes,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  PROPAGATION,
} from "../../ffi/mount.ts";
import { type PlanItem, result, StepBuilder } from "../operation.ts";
import { propagationOf } from "./mount_options.ts";
import { attach } from "./mounts.ts";
import { openHostPlace, ROOT } from "./paths.ts";

const ROOTFS = "rootfs";

/** Opens the root file system's folder while init can still reach it. */
export function openRootfs(rootfs: string): PlanItem[] {
  const step = new StepBuilder("sources");
  step.because("open the rootfs", rootfs, "/root/path");
  openHostPlace(step, rootfs, ROOTFS, O_DIRECTORY);
  return step.items;
}

/**
 * Cuts the new mount namespace off the host's, and copies the rootfs's mount tree. With shared
 * propagation the copy is taken first, so that it stays a peer of the host's mount, as asked for.
 */
export function isolateMounts(propagation: string | undefined): PlanItem[] {
  const asked = propagation === undefined ? undefined : propagationOf(propagation);
  const step = new StepBuilder("propagation");
  const cut = () => {
    const flag = asked?.flag === PROPAGATION.private || asked?.flag === PROPAGATION.unbindable
      ? PROPAGATION.private
      : PROPAGATION.slave;
    step.because("stop mounts from reaching the host", "/", "/linux/rootfsPropagation");
    const attributes = mountAttributes(0, 0, flag);
    step.call("mount_setattr", [AT_FDCWD, "/", AT_RECURSIVE, attributes, MOUNT_ATTR_SIZE]);
  };
  const copy = () => {
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

/** Attaches the copy over the rootfs, as pivot_root wants it: a mount point. */
export function attachRootfs(): PlanItem[] {
  const step = new StepBuilder("rootfs");
  step.because("make the rootfs a mount point", undefined, "/root/path");
  attach(step, ROOT, ROOTFS);
  step.close(ROOTFS);
  return step.items;
}
