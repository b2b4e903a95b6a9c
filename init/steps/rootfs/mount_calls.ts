/**
 * What is done with a mount by its fd: attached, changed, or copied over itself.
 *
 * Source: move_mount(2), mount_setattr(2), open_tree(2).
 *
 * @module
 */

import { AT_EMPTY_PATH } from "../../../ffi/files/file.ts";
import {
  AT_RECURSIVE,
  MOUNT_ATTR_SIZE,
  mountAttributes,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_EMPTY_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from "../../../ffi/files/mount.ts";
import { type CallOptions, result, type StepBuilder } from "../../operations/operation.ts";
import type { MountOptions } from "./mount_options.ts";
import { type Anchor, moveAnchor } from "./anchors.ts";

/** Attaches a detached mount to an open place. */
export function attach(
  step: StepBuilder,
  from: string,
  to: string,
  options: CallOptions = {},
): void {
  const flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
  step.call("move_mount", [result(from), "", result(to), "", flags], options);
}

/** Sets attributes of the mount that an fd is, and of the tree below with AT_RECURSIVE. */
export function setAttributes(
  step: StepBuilder,
  mount: string,
  attributes: Uint8Array,
  options: CallOptions & { readonly flags?: number } = {},
): void {
  const { flags = 0, ...call } = options;
  const args = [result(mount), "", AT_EMPTY_PATH | flags, attributes, MOUNT_ATTR_SIZE];
  step.call("mount_setattr", args, call);
}

/** Propagation of an attached mount. */
export function spread(step: StepBuilder, options: MountOptions, mount: string): void {
  for (const { flag, recursive } of options.propagation) {
    const flags = recursive ? AT_RECURSIVE : 0;
    setAttributes(step, mount, mountAttributes(0, 0, flag), { flags });
  }
}

/**
 * Puts a copy of what is mounted at a place over it, with other attributes.
 *
 * @param anchor the mount at that place, if it is one of those that are held
 */
export function cover(
  step: StepBuilder,
  place: string,
  label: string,
  attributes: Uint8Array,
  anchor?: Anchor,
): void {
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE;
  step.call("open_tree", [result(place), "", flags], { label });
  setAttributes(step, label, attributes);
  attach(step, label, place);
  if (anchor !== undefined) moveAnchor(step, anchor, label);
  step.close(label);
}
