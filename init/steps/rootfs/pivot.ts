/**
 * The switch of the root: what was / before is out of reach afterwards.
 *
 * Source: pivot_root(2), the runtime-spec's "Root".
 *
 * @module
 */

import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
} from "../../../ffi/files/file.ts";
import {
  AT_RECURSIVE,
  MNT_DETACH,
  MOUNT_ATTR,
  mountAttributes,
  MOVE_MOUNT_F_EMPTY_PATH,
  PROPAGATION,
} from "../../../ffi/files/mount.ts";
import { type PlanItem, result, StepBuilder } from "../../operations/operation.ts";
import { propagationOf } from "./mount_options.ts";
import { setAttributes } from "./mount_calls.ts";
import { ROOT } from "../places/paths.ts";

const OLD_ROOT = "oldroot";

/**
 * Enters the rootfs; with `noPivot` (a rootfs on the initial ramfs) by a move and a chroot. With
 * `noPivot` the host's mounts are still there, only out of reach. The kernel would take the host's
 * proc and sysfs among them as permission to mount an unmasked proc or sysfs in a user namespace
 * that the container makes, so those are unmounted.
 *
 * @param noPivot with the places of the host's proc and sysfs; undefined: pivot_root is used
 */
export function switchRoot(noPivot: readonly string[] | undefined): PlanItem[] {
  const step = new StepBuilder("pivot");
  if (noPivot !== undefined) {
    noPivot.forEach((place, k) => {
      const done = `hidden${k}`;
      step.because(`take the host's ${place} away, or cover it`, place, "/root/path")
        .call("umount2", [place, MNT_DETACH], { onError: { jump: `${done}.not` } })
        .jump(done)
        .call("mount", ["tmpfs", place, "tmpfs", 0, 0], { label: `${done}.not` })
        .land(done);
    });
    step.because("move the rootfs over / and change the root to it", "/", "/root/path");
    step.call("fchdir", [result(ROOT)]);
    step.call("move_mount", [result(ROOT), "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH]);
    step.call("chroot", ["."]);
    step.call("chdir", ["/"]);
    return step.items;
  }
  step.because("exchange the roots in place", "/", "/root/path");
  const place = O_PATH | O_DIRECTORY | O_CLOEXEC;
  step.call("openat", [AT_FDCWD, "/", place, 0], { label: OLD_ROOT });
  step.call("fchdir", [result(ROOT)]);
  step.call("pivot_root", [".", "."]);
  step.because("let go of the host's root, with no unmount reaching the host", "/");
  step.call("fchdir", [result(OLD_ROOT)]);
  setAttributes(step, OLD_ROOT, mountAttributes(0, 0, PROPAGATION.slave), { flags: AT_RECURSIVE });
  step.call("umount2", [".", MNT_DETACH]);
  step.call("chdir", ["/"]);
  step.close(OLD_ROOT);
  return step.items;
}

/** Enters a root that is attached nowhere, in a mount namespace that stays as it is. */
export function enterDetachedRoot(): PlanItem[] {
  const step = new StepBuilder("pivot");
  return step.because("make the detached copy the root", "/", "/root/path")
    .call("fchdir", [result(ROOT)])
    .call("chroot", ["."])
    .call("chdir", ["/"]).items;
}

/** Makes the root's own mount read-only, once all is mounted. */
export function protectRoot(): PlanItem[] {
  const step = new StepBuilder("pivot");
  step.because("make the root read-only", "/", "/root/readonly");
  setAttributes(step, ROOT, mountAttributes(MOUNT_ATTR.RDONLY, 0), { flags: AT_EMPTY_PATH });
  return step.items;
}

/**
 * Sets the propagation of the root's own mount, or of all in it. It comes after the read-only
 * paths, which are copies of what they cover: an unbindable mount can't be copied.
 */
export function spreadRoot(propagation: string | undefined): PlanItem[] {
  const asked = propagation === undefined ? undefined : propagationOf(propagation);
  if (asked === undefined || asked.flag === PROPAGATION.private) return [];
  const step = new StepBuilder("pivot");
  step.because("set the root's propagation", "/", "/linux/rootfsPropagation");
  const flags = asked.recursive ? AT_RECURSIVE : 0;
  setAttributes(step, ROOT, mountAttributes(0, 0, asked.flag), { flags });
  return step.items;
}
