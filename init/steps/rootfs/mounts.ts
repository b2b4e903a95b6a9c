/**
 * The config's mounts: each is made detached, with its attributes, and then attached by fd to a
 * place that was opened inside the root, so that no path is walked twice.
 *
 * Source: the runtime-spec's "Mounts"; move_mount(2).
 *
 * @module
 */

import { O_CLOEXEC, O_DIRECTORY, O_PATH } from "../../../ffi/files/file.ts";
import type { IdmappedFd } from "../../operations/init_config.ts";
import { isBindMount } from "../../../src/config/mount_options.ts";
import type { Destination, Facts } from "../../operations/facts.ts";
import { type MakePlace, type PlanItem, result, StepBuilder } from "../../operations/operation.ts";
import { type MountOptions, parseMountOptions } from "./mount_options.ts";
import { refuseProcfs } from "../places/verify.ts";
import type { HeldFolder } from "./held_folder.ts";
import { collapse, insideRoot, makeMissing, openPlace, ROOT } from "../places/paths.ts";
import type { Anchor } from "./anchors.ts";
import { changeAttributes, copySource, innerSource, openInnerSource, sourceOf } from "./bind.ts";
import { makeFileSystem, openOldPlace } from "./file_system.ts";
import { attach, spread } from "./mount_calls.ts";
import { isKernels, mountOf, NONE, type PlannedMount } from "./planned_mount.ts";
import { isProtectedLate } from "./read_only_mounts.ts";
import { remount } from "./remount.ts";

/** Makes and attaches the mounts. */
export function makeMounts(
  mounts: readonly PlannedMount[],
  facts: Facts,
  { idmapped = [], isDetached = false, rootfs, status, anchors = [], held }: MakeOptions,
): PlanItem[] {
  const isMade = ({ pointer }: PlannedMount) =>
    idmapped.some((each) => pointer === `/mounts/${each.mount}`);
  return mounts.flatMap((planned) => {
    const made = { isMade: isMade(planned), isDetached, rootfs, status, anchors, held };
    return makeMount(planned, facts, made);
  });
}

/** Closes the folder that is held when the last mount is made. */
export function closeHeld(held: HeldFolder): PlanItem[] {
  const step = new StepBuilder("mounts").because("close the folder of the last mounts");
  held.close(step);
  return step.items;
}

/** How the mounts are made. */
export interface MakeOptions {
  /** The rootfs's path on the host. */
  readonly rootfs: string;
  /** The fd on which init reports: it gets what a file system says of its options. */
  readonly status?: number | undefined;
  /** Those that the parent has made. */
  readonly idmapped?: readonly IdmappedFd[] | undefined;
  /**
   * Whether they are made in a tree that is attached nowhere. A mount inside such a tree can't be
   * changed: mount_setattr(2) only takes the tree's root.
   */
  readonly isDetached?: boolean | undefined;
  /** The mounts that are held, to cover what is below them. */
  readonly anchors?: readonly Anchor[] | undefined;
  /** The folder that stays open from one mount to the next. */
  readonly held: HeldFolder;
}

function makeMount(planned: PlannedMount, facts: Facts, made: Making): PlanItem[] {
  const { mount, position, label } = planned;
  const options = parseMountOptions(mount.options ?? NONE);
  const step = new StepBuilder("mounts");
  const found = facts.destination(mount.destination, position);
  // A walk without openat2 follows no link, so it goes exactly where the facts say, or fails.
  const destination = { ...found, isSure: found.isSure || !facts.hasOpenat2 };
  because(step, planned);
  if (options.remount) {
    made.held.close(step);
    remount(step, planned, options, destination, made);
    return step.items;
  }
  const isHeld = isProtectedLate(planned, made.isDetached);
  const isBind = isBindMount(mount);
  const end = isBind ? bindEnd(step, planned, facts, made) : "directory";
  because(step, planned);
  openOldPlace(step, planned, options, destination);
  openDestination(step, planned, destination, end, made.held);
  because(step, planned);
  if (isBind) {
    if (!made.isMade) copySource(step, planned, options);
    changeAttributes(step, planned, options);
    because(step, planned);
  } else makeFileSystem(step, planned, options, destination, { status: made.status, isHeld });
  attachAt(step, planned, options, destination, made, isBind && end !== "directory");
  if (!isKernels(planned) && !isHeld) step.close(mountOf(label));
  return step.items;
}

function because(step: StepBuilder, { mount, pointer, hint }: PlannedMount, other = hint): void {
  const { type = "none", destination } = mount;
  step.because(`mount ${type} at ${destination}`, destination, pointer, other);
}

const HINT_OF_KIND =
  "of the source and the destination one is not a directory, but the other is: bind a file onto a file";

/**
 * Whether a bind's place must be a folder or a file. A source in the rootfs is opened to find out.
 */
function bindEnd(
  step: StepBuilder,
  planned: PlannedMount,
  facts: Facts,
  { isMade, rootfs }: Making,
): MakePlace["end"] {
  const source = planned.mount.source ?? "";
  const inner = isMade ? undefined : innerSource(source, rootfs);
  if (inner === undefined) return facts.hostKind(source) === "file" ? "file" : "directory";
  openInnerSource(step, planned, inner);
  return { as: sourceOf(planned.label) };
}

/**
 * Attaches a mount, with its propagation, and closes its place.
 *
 * @param mayDiffer whether of its root and its place one may be a folder and the other a file
 */
function attachAt(
  step: StepBuilder,
  planned: PlannedMount,
  options: MountOptions,
  { isSure, components }: Destination,
  { isDetached, held }: Making,
  mayDiffer: boolean,
): void {
  const { label } = planned;
  const [mount, place] = [mountOf(label), `${label}.place`];
  if (isDetached) spread(step, options, mount);
  if (mayDiffer) because(step, planned, HINT_OF_KIND);
  attach(step, mount, place);
  held.attached(step, isSure ? components : undefined);
  if (!isDetached) spread(step, options, mount);
  step.close(place);
  if (components.length === 0) becomeRoot(step, label);
}

/** How one mount is made. */
interface Making {
  /** Whether the parent has made it. */
  readonly isMade: boolean;
  readonly isDetached: boolean;
  readonly rootfs: string;
  readonly status: number | undefined;
  readonly anchors: readonly Anchor[];
  readonly held: HeldFolder;
}

/**
 * Opens the place of a mount, and makes it where it is missing. If no mount of the config can have
 * changed the place, the facts know what is missing, and it is made at once. Otherwise the place is
 * opened by its name.
 */
function openDestination(
  step: StepBuilder,
  { mount: { destination: asked, type }, label, pointer }: PlannedMount,
  destination: Destination,
  end: MakePlace["end"],
  held: HeldFolder,
): void {
  const { isSure, missing } = destination;
  const place = `${label}.place`;
  const resolved = "/" + destination.components.join("/");
  const hasLinks = resolved !== collapse(asked);
  if (type === "proc" || type === "sysfs") {
    // With a link at /proc or /sys they would be mounted elsewhere, and masks would miss them.
    if (!hasLinks) makeMissing(step, destination, "directory", label);
    return openPlace(step, asked, place, { followLinks: false, directory: true });
  }
  if (isSure && typeof end === "string" && missing === 1) {
    held.makeIn(step, destination, end, label, place);
  } else if (isSure && typeof end === "string") {
    makeMissing(step, destination, end, label);
    openPlace(step, resolved, place, { directory: end === "directory" });
  } else step.place(ROOT, asked, place, end);
  if (isSure && !hasLinks) return;
  // The path in config.json was checked before, but a link may lead elsewhere.
  step.because(
    `check that ${asked} does not lead into a proc file system`,
    asked,
    pointer,
    "over /proc only a proc file system is mounted, by its own name",
  );
  refuseProcfs(step, place);
}

/** A mount at / becomes the root: from here on the plan's root fd is that mount. */
function becomeRoot(step: StepBuilder, label: string): void {
  takeTop(step, ROOT, `${label}.root`);
}

/**
 * Makes the fd of a mount refer to what lies over the mount's root: opening `..` at a root leads up
 * through the mounts that lie on it.
 */
function takeTop(step: StepBuilder, mount: string, label: string): void {
  step.call("openat2", insideRoot(result(mount), "..", O_PATH | O_DIRECTORY | O_CLOEXEC), {
    label,
    components: [],
  })
    .call("dup3", [result(label), result(mount), O_CLOEXEC])
    .close(label);
}
