/**
 * `remount`: what is mounted at a place already gets other attributes, and its file system other
 * options.
 *
 * Source: mount_setattr(2), fspick(2).
 *
 * @module
 */

import {
  FSCONFIG_CMD_RECONFIGURE,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  mountAttributes,
} from "../../../ffi/files/mount.ts";
import type { Destination } from "../../operations/facts.ts";
import { result, type StepBuilder } from "../../operations/operation.ts";
import { ownFlags } from "./file_system.ts";
import type { MountOptions } from "./mount_options.ts";
import { refuseProcfs } from "../places/verify.ts";
import { openPlace } from "../places/paths.ts";
import { cover, setAttributes, spread } from "./mount_calls.ts";
import type { Anchor } from "./anchors.ts";
import type { PlannedMount } from "./planned_mount.ts";

/**
 * Changes what is mounted at a place already.
 *
 * @param isDetached whether the tree is attached nowhere: then only a copy can be changed
 * @param anchors the mounts that are held; if one is copied, its copy takes its place
 */
export function remount(
  step: StepBuilder,
  planned: PlannedMount,
  options: MountOptions,
  { components, isSure }: Destination,
  { isDetached, anchors }: { readonly isDetached: boolean; readonly anchors: readonly Anchor[] },
): void {
  const { mount, label } = planned;
  const place = `${label}.place`;
  openPlace(step, mount.destination, place, isSure ? { components } : {});
  requireMount(step, planned);
  step.because(`remount ${mount.destination}`, mount.destination, planned.pointer, planned.hint);
  const set = options.attributes?.set ?? 0;
  const clear = options.attributes?.clear ?? 0;
  const attributes = mountAttributes(set, clear);
  if (isDetached) {
    // Paths below it that must be covered are looked for in the copy, which lies on top.
    const resolved = "/" + components.join("/");
    const anchor = anchors.find(({ destination }) => destination === resolved);
    if (anchor === undefined && !isSure) refuseProcfs(step, place);
    cover(step, place, `${label}.cover`, attributes, anchor);
  } else setAttributes(step, place, attributes);
  reconfigure(step, label, options);
  if (!isDetached) spread(step, options, place);
  step.close(place);
}

/** Gives the file system at a place other options. The options of a bind concern only its mount. */
function reconfigure(step: StepBuilder, label: string, options: MountOptions): void {
  const flags = ownFlags(options); // whose it is as well is not known: the mount alone is read-only
  if (options.bind || options.data.length + flags.length === 0) return;
  const [place, context] = [`${label}.place`, `${label}.fs`];
  step.call("fspick", [result(place), "", FSPICK_EMPTY_PATH | FSPICK_CLOEXEC], { label: context });
  for (const flag of flags) {
    step.call("fsconfig", [result(context), FSCONFIG_SET_FLAG, flag, 0, 0]);
  }
  for (const item of options.data) {
    const [key = "", value = ""] = item.split(/=(.*)/s);
    step.call("fsconfig", [result(context), FSCONFIG_SET_STRING, key, value, 0]);
  }
  step.call("fsconfig", [result(context), FSCONFIG_CMD_RECONFIGURE, 0, 0, 0]);
  step.close(context);
}

/**
 * Goes on only where something is mounted: fspick(2) takes only the root of a mount. Without this
 * check, a remount that copies the place or changes nothing would accept any folder.
 */
function requireMount(step: StepBuilder, { mount, label, pointer }: PlannedMount): void {
  const context = `${label}.there`;
  const reason = `remount what is mounted at ${mount.destination}`;
  step.because(reason, mount.destination, pointer, "a remount is of a mount that is there");
  step.call("fspick", [result(`${label}.place`), "", FSPICK_EMPTY_PATH | FSPICK_CLOEXEC], {
    label: context,
  }).close(context);
}

const FSPICK_CLOEXEC = 1;

const FSPICK_EMPTY_PATH = 8;
