/**
 * New file systems: they are configured, made and, for a tmpfs with `tmpcopyup`, filled.
 *
 * Source: fsopen(2), fsconfig(2), fsmount(2).
 *
 * @module
 */

import { AT_EMPTY_PATH, O_CLOEXEC, O_DIRECTORY, O_PATH } from "../../../ffi/files/file.ts";
import { pathNames } from "../../../ffi/files/path.ts";
import {
  AT_RECURSIVE,
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  FSOPEN_CLOEXEC,
  MOUNT_ATTR,
  mountAttributes,
} from "../../../ffi/files/mount.ts";
import type { Mount } from "../../../src/config/types/config.ts";
import type { Destination } from "../../operations/facts.ts";
import { type CallOptions, result, type StepBuilder } from "../../operations/operation.ts";
import type { MountOptions } from "./mount_options.ts";
import { insideRoot, ROOT } from "../places/paths.ts";
import { STATX } from "../places/verify.ts";
import { setAttributes } from "./mount_calls.ts";
import { mountOf, type PlannedMount } from "./planned_mount.ts";

const { RDONLY } = MOUNT_ATTR;

/**
 * A new file system as a detached mount. A tmpfs gets the permissions of the folder that it will
 * lie over and, if its options ask for them, the files in it. It becomes read-only after that.
 *
 * @param how.status the fd on which init reports: it gets what the file system says of its options
 * @param how.isHeld whether it stays writable: see `read_only_mounts.ts`
 */
export function makeFileSystem(
  step: StepBuilder,
  planned: PlannedMount,
  options: MountOptions,
  destination: Destination,
  { status, isHeld }: { readonly status: number | undefined; readonly isHeld: boolean },
): void {
  const { mount, label } = planned;
  const [place, made] = [`${label}.place`, mountOf(label)];
  const isTmpfs = mount.type === "tmpfs";
  const copiesMode = copiesModeOf(planned, options, destination);
  configure(step, planned, options, destination.mode, copiesMode || isHeld, status);
  if (copiesMode && destination.isSure) copyMode(step, place, made);
  else if (copiesMode) copyModeOfOld(step, label, made);
  if (isTmpfs && mayBeThere(destination) && options.copyUp) step.copyUp(place, made);
  const isFilled = isTmpfs && (options.copyUp || copiesMode) && mount.destination !== "/dev";
  if (isFilled && !isHeld && ((options.attributes?.set ?? 0) & RDONLY) !== 0) {
    setAttributes(step, made, mountAttributes(RDONLY, 0));
  }
}

/** Configures a file system, makes it, and turns it into a detached mount. */
function configure(
  step: StepBuilder,
  { mount, label, context: files }: PlannedMount,
  options: MountOptions,
  placeMode: number | undefined,
  staysWritable: boolean,
  status: number | undefined,
): void {
  const type = mount.type ?? "none";
  const context = `${label}.fs`;
  // If the file system refuses an option that it reads itself, it says why in a log of its own.
  const asks = status !== undefined && options.data.some((item) => !PLAIN_DATA.test(item));
  const call: CallOptions = asks ? { onError: { jump: `${label}.log`, fails: true } } : {};
  const set = (key: string, value: string) =>
    step.call("fsconfig", [result(context), FSCONFIG_SET_STRING, key, value, 0], call);
  step.call("fsopen", [type, FSOPEN_CLOEXEC], { label: context });
  if (mount.source !== undefined && mount.source !== "") set("source", mount.source);
  for (const flag of superFlags(mount, options, staysWritable)) {
    step.call("fsconfig", [result(context), FSCONFIG_SET_FLAG, flag, 0, 0]);
  }
  if (files !== undefined) set("context", files);
  if (type === "tmpfs" && !hasMode(options) && placeMode !== undefined) {
    set("mode", placeMode.toString(8));
  }
  for (const item of options.data) {
    const at = item.indexOf("=");
    if (at < 0) step.call("fsconfig", [result(context), FSCONFIG_SET_FLAG, item, 0, 0], call);
    else set(item.slice(0, at), item.slice(at + 1));
  }
  step.call("fsconfig", [result(context), FSCONFIG_CMD_CREATE, 0, 0, 0], call);
  const attributes = (options.attributes?.set ?? 0) &
    ~(writableAtFirst(mount, options, staysWritable) ? RDONLY : 0);
  step.call("fsmount", [result(context), FSOPEN_CLOEXEC, attributes], { label: `${label}.mount` });
  if (asks) passLog(step, label, context, status);
  step.call("close", [result(context)], { label: `${label}.made`, onError: "continue" });
  const { recursiveAttributes } = options;
  if (recursiveAttributes !== undefined) {
    const { set, clear } = recursiveAttributes;
    setAttributes(step, `${label}.mount`, mountAttributes(set, clear), { flags: AT_RECURSIVE });
  }
}

/**
 * Passes on the log of a file system that refuses its options: fsopen(2). Empty lines mean nothing.
 */
function passLog(step: StepBuilder, label: string, context: string, status: number): void {
  const said = new Uint8Array(LOG_SIZE).fill(NEWLINE);
  step.jump(`${label}.made`)
    .call("read", [result(context), said, LOG_SIZE - 1], {
      label: `${label}.log`,
      onError: "continue",
    })
    .call("write", [status, said, LOG_SIZE], { onError: "continue" })
    .call("close", [-1]);
}

/** Options that every tmpfs and devpts accepts, so that there will be no log to read. */
const PLAIN_DATA = /^(newinstance|(ptmx)?mode=[0-7]{3,4}|size=\d+[kmg]?)$/;

const LOG_SIZE = 256;

const NEWLINE = 10;

/**
 * Whether a mount must be writable at first: /dev and a tmpfs that is filled become read-only once
 * their content is there.
 */
function writableAtFirst(mount: Mount, options: MountOptions, isFilled: boolean): boolean {
  return mount.destination === "/dev" || options.copyUp || isFilled;
}

function superFlags(mount: Mount, options: MountOptions, isFilled: boolean): readonly string[] {
  const isShared = SHARED.has(mount.type ?? "");
  if (!isShared && !writableAtFirst(mount, options, isFilled)) return options.superFlags;
  return ownFlags(options);
}

/**
 * The flags of a file system without the one that its mount has for itself, where others may have
 * mounted it as well: who joins the namespace and asks for a writable one shall get that.
 */
export function ownFlags({ superFlags }: MountOptions): readonly string[] {
  return superFlags.filter((flag) => flag !== "ro");
}

/** Those of which the kernel has one for a namespace, or for all, whoever mounts it. */
const SHARED: ReadonlySet<string> = new Set(
  ["proc", "sysfs", "mqueue", "cgroup", "cgroup2", "debugfs", "tracefs", "securityfs", "configfs"]
    .concat(["fusectl", "binfmt_misc", "pstore", "efivarfs"]),
);

function hasMode({ data }: MountOptions): boolean {
  return data.some((item) => item.startsWith("mode="));
}

/** Whether the permissions of a tmpfs are those of the folder below it, and only that tells them. */
function copiesModeOf(
  { mount }: PlannedMount,
  options: MountOptions,
  destination: Destination,
): boolean {
  return mount.type === "tmpfs" && mayBeThere(destination) && destination.mode === undefined &&
    !hasMode(options);
}

/** Whether something may stand at a mount's place before it is made. */
function mayBeThere({ isSure, missing }: Destination): boolean {
  return !isSure || missing === 0;
}

/**
 * Opens the folder that a tmpfs will lie over, if it is there before the mount's place is made: one
 * that is made for it tells no permissions, so that everybody may write to the tmpfs, as to any.
 */
export function openOldPlace(
  step: StepBuilder,
  planned: PlannedMount,
  options: MountOptions,
  destination: Destination,
): void {
  if (destination.isSure || !copiesModeOf(planned, options, destination)) return;
  // Behind what is missing a `..` takes it back where a place is made; the kernel gives up there.
  const { destination: asked } = planned.mount;
  const goesUp = pathNames(asked).includes("..");
  const path = goesUp ? `/${destination.components.join("/")}` : asked;
  const args = insideRoot(result(ROOT), path, O_PATH | O_CLOEXEC | O_DIRECTORY);
  step.call("openat2", args, { label: `${planned.label}.old`, onError: "continue" });
}

function copyModeOfOld(step: StepBuilder, label: string, mount: string): void {
  const end = `${label}.moded`;
  copyMode(step, `${label}.old`, mount, { onError: { jump: end } });
  step.close(`${label}.old`).land(end);
}

/** Gives a new file system's root the permissions of the folder that it will lie over. */
function copyMode(
  step: StepBuilder,
  place: string,
  mount: string,
  options: CallOptions = {},
): void {
  const status = { space: STATX.size, name: `${place}.status` };
  step.call("statx", [result(place), "", AT_EMPTY_PATH, STATX_MODE, status], options)
    .call("fchmodat", [result(mount), ".", { heldIn: status, offset: STATX.mode }]);
}

const STATX_MODE = 2;
