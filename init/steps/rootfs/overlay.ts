/**
 * A root whose changes are in memory, over files that stay as they are.
 *
 * Source: the kernel's filesystems/overlayfs.rst; tmpfs(5).
 *
 * @module
 */

import { AT_FDCWD } from "../../../ffi/files/file.ts";
import {
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_STRING,
  FSOPEN_CLOEXEC,
  MOUNT_ATTR,
  MOVE_MOUNT_F_EMPTY_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from "../../../ffi/files/mount.ts";
import { result, type StepBuilder } from "../../operations/operation.ts";

/** Of what an overlay is made. */
export interface Overlay {
  /** A folder whose files hide those of the rootfs; its own folder `dev` is not seen. */
  readonly top: string;
  /** The rootfs. */
  readonly lower: string;
  /** Whether it is mounted in a user namespace, which may not set `trusted` attributes. */
  readonly isUser: boolean;
}

const CHANGES = "root.changes";
const MS_NODEV = 4;

/** Makes a tmpfs that is attached nowhere. */
export function makeTmpfs(step: StepBuilder, bytes: number | undefined, label: string): void {
  const context = "root.fs";
  const { NOSUID, NODEV } = MOUNT_ATTR;
  step.call("fsopen", ["tmpfs", FSOPEN_CLOEXEC], { label: context })
    .call("fsconfig", [result(context), FSCONFIG_SET_STRING, "mode", "755", 0]);
  if (bytes !== undefined) {
    step.call("fsconfig", [result(context), FSCONFIG_SET_STRING, "size", String(bytes), 0]);
  }
  step.call("fsconfig", [result(context), FSCONFIG_CMD_CREATE, 0, 0, 0])
    .call("fsmount", [result(context), FSOPEN_CLOEXEC, NOSUID | NODEV], { label })
    .close(context);
}

/**
 * Makes the overlay in the container's own mount namespace, so that it ends with it. The tmpfs must
 * be attached somewhere while it is mounted (until Linux 6.15): nobody else sees that place.
 */
export function makeOverlay(
  step: StepBuilder,
  { top, lower, isUser }: Overlay,
  bytes: number | undefined,
  label: string,
): void {
  const place = `${top}/dev`;
  step.because("make a tmpfs for what the container changes", place, "/root/path");
  makeTmpfs(step, bytes, CHANGES);
  step.call("move_mount", [result(CHANGES), "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH])
    .call("mkdirat", [result(CHANGES), "upper", 0o755])
    .call("fchmodat", [result(CHANGES), "upper", 0o755])
    .call("mkdirat", [result(CHANGES), "work", 0o755])
    .close(CHANGES);
  const options = [
    `lowerdir=${layer(top)}:${layer(lower)}`,
    `upperdir=${option(`${place}/upper`)}`,
    `workdir=${option(`${place}/work`)}`,
    ...(isUser ? ["userxattr"] : []),
  ];
  step.because("lay it over the rootfs", lower, "/root/path", NEEDED)
    .call("mount", ["overlay", top, "overlay", MS_NODEV, options.join(",")])
    .call("open_tree", [AT_FDCWD, top, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC], { label });
}

const NEEDED =
  "there is no overlayfs (modprobe overlay; an ordinary user needs Linux 5.11), or it can't " +
  "lie over this file system, such as one that is two overlays already: keep the files on another " +
  "one (of an image: --image-store), or run a bundle made with unpackImage, which needs none";

/** A path as overlayfs's options have it. */
function option(path: string): string {
  return path.replaceAll(/[\\,]/g, "\\$&");
}

function layer(path: string): string {
  return path.replaceAll(/[\\,:]/g, "\\$&");
}
