/**
 * Paths that the container may not read, and paths that it may not write. Whether there is something
 * to cover, and whether it is a folder, is the kernel's answer when it is covered: nothing that was
 * seen before the mounts were made counts.
 *
 * Source: the runtime-spec's "Masked Paths" and "Readonly Paths".
 *
 * @module
 */

import { AT_EMPTY_PATH, AT_FDCWD, O_CLOEXEC, O_NOFOLLOW, O_PATH } from "../../../ffi/files/file.ts";
import {
  AT_RECURSIVE,
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  FSOPEN_CLOEXEC,
  MOUNT_ATTR,
  mountAttributes,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from "../../../ffi/files/mount.ts";
import type { Facts, NodeStatus } from "../../operations/facts.ts";
import { type PlanItem, result, StepBuilder } from "../../operations/operation.ts";
import { type Anchor, attach, setAttributes } from "./mounts.ts";
import { beyondMissing, collapse, insideRoot, openPlace, ROOT } from "../places/paths.ts";
import { requireNode } from "../places/verify.ts";

/** The label of the null device that files are covered with: of a fresh /dev, or a copy of the host's. */
const NULL = "masks.null";
/** The label of the empty file system that folders are covered with. */
const EMPTY = "masks.empty";
const COPY = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;

/** What the covers depend on. */
export interface CoverOptions {
  /** The mounts of the kernel's own file systems. */
  readonly anchors: readonly Anchor[];
  readonly facts: Facts;
  /** How many mounts the config has. */
  readonly mounts: number;
}

/**
 * Makes paths read-only, with what is mounted in them as it is; paths that are missing are passed over.
 * It comes after the masks: a copy of a tree over itself takes those in it along, whatever the path is
 * called, and no mask ends up below it.
 *
 * @param masked paths that are masked, and so need nothing more
 */
export function protectPaths(
  paths: readonly string[],
  masked: readonly string[],
  options: CoverOptions,
): PlanItem[] {
  const step = new StepBuilder("masks");
  const hidden = new Set(masked.map(keyOf));
  // What lies in a mount that is held comes first, the innermost before: what is copied later has it.
  const depth = ({ anchor }: Covered) => anchor?.destination.length ?? 0;
  const covered = coversOf(paths, options.anchors).filter(({ path }) => !hidden.has(keyOf(path)));
  const inner = covered.filter(isInside).toSorted((one, other) => depth(other) - depth(one));
  for (const each of [...inner, ...covered.filter((one) => !isInside(one))]) {
    protect(step, each, options);
  }
  return step.items;
}

/**
 * A mount becomes read-only itself, the root as well, over which nothing would be seen; what is none is
 * covered with a copy that is.
 */
function protect(step: StepBuilder, covered: Covered, options: CoverOptions): void {
  const { path, key, index } = covered;
  const place = `readonly${key}.place`;
  const mount = `readonly${key}.mount`;
  const done = `readonly${key}.done`;
  const attributes = mountAttributes(MOUNT_ATTR.RDONLY, 0);
  step.because(`make ${path} read-only`, path, `/linux/readonlyPaths/${index}`);
  const mayBeMount = !isInside(covered);
  const way = { first: mount, closes: done, end: `readonly${key}.end` };
  const miss = openCovered(step, covered, place, way, options);
  if (mayBeMount) {
    setAttributes(step, place, attributes, { onError: { jump: mount } });
    step.jump(done);
  }
  step.call("open_tree", [result(place), "", COPY | AT_EMPTY_PATH | AT_RECURSIVE], {
    label: mount,
    tolerated: "EBADF",
  });
  setAttributes(step, mount, attributes, { tolerated: "EBADF" });
  attach(step, mount, place, { tolerated: "EBADF" });
  step.close(mount)
    .call("close", [result(place)], { label: done, onError: "continue" });
  miss();
}

/**
 * What {@linkcode maskPaths} covers files with where /dev is not a fresh one of init's making, and
 * its `null` may be anything: the host's /dev/null, copied while it can be reached (CVE-2025-31133).
 */
export function openMaskSources(
  paths: readonly string[],
  device: NodeStatus,
  { anchors, facts }: Pick<CoverOptions, "anchors" | "facts">,
): PlanItem[] {
  const step = new StepBuilder("sources");
  const files = coversOf(paths, anchors).filter((each) => kindOf(each) !== "directory");
  if (files.length === 0) return [];
  const host = `${NULL}.host`;
  step.because("check that the host's /dev/null is the null device", "/dev/null", POINTER)
    .call("openat", [AT_FDCWD, "/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC, 0], { label: host });
  requireNode(step, host, device);
  step.because("copy the mount of the host's null device", "/dev/null", POINTER);
  const labels = facts.copiesDetached ? [NULL] : files.map(({ key }) => fileCover(key));
  for (const label of labels) {
    step.call("open_tree", [result(host), "", COPY | AT_EMPTY_PATH], { label });
  }
  step.close(host);
  return step.items;
}

/**
 * Covers paths: folders with an empty file system, files with /dev/null.
 *
 * @param fresh what /dev/null is in a /dev that init made and filled; undefined in any other /dev
 */
export function maskPaths(
  paths: readonly string[],
  fresh: NodeStatus | undefined,
  options: CoverOptions,
): PlanItem[] {
  const step = new StepBuilder("masks");
  const masks = coversOf(paths, options.anchors)
    .map((covered) => ({ covered, kind: kindOf(covered) }));
  const takesFresh = fresh !== undefined && masks.some(({ kind }) => kind !== "directory");
  if (takesFresh) {
    step.because(
      "check that /dev/null, to cover files with, is the null device",
      "/dev/null",
      POINTER,
    );
    openPlace(step, "/dev/null", NULL);
    requireNode(step, NULL, fresh);
  }
  const coversFolders = masks.some(({ kind }) => kind !== "file");
  if (coversFolders) makeEmpty(step);
  const copiesNull = takesFresh || options.facts.copiesDetached;
  for (const { covered, kind } of masks) {
    const { path, key: k, index } = covered;
    step.because(`mask ${path}`, path, pointerTo(index));
    const covers = `mask${k}.covered`;
    const first = kind === "file" ? copiesNull ? fileCover(k) : fileMount(k) : folderCover(k);
    const miss = openCovered(
      step,
      covered,
      place(k),
      { first, closes: covers, end: end(k) },
      options,
    );
    if (kind === undefined) coverEither(step, k, copiesNull, options.facts.copiesDetached);
    else if (kind === "file") coverFile(step, k, copiesNull);
    else coverFolder(step, k, options.facts.copiesDetached);
    step.call("close", [result(place(k))], { label: covers, onError: "continue" });
    miss();
  }
  if (coversFolders) step.close(EMPTY);
  if (takesFresh) step.close(NULL);
  return step.items;
}

const POINTER = "/linux/maskedPaths";

/** One path that is to be covered. */
interface Covered {
  readonly path: string;
  /** Where config.json has it. */
  readonly index: number;
  /** What its labels have of it. */
  readonly key: string;
  /** The mount that it is looked for in; undefined: it is found by its name. */
  readonly anchor: Anchor | undefined;
}

/**
 * Each path once: a second cover over the first covers nothing. One in a mount that may be covered
 * itself is looked for there, and by its name as well.
 */
function coversOf(paths: readonly string[], anchors: readonly Anchor[]): readonly Covered[] {
  const seen = new Set<string>();
  return paths.flatMap((path, index) => {
    const text = keyOf(path);
    if (seen.has(text)) return [];
    seen.add(text);
    const anchor = anchorOf(path, anchors);
    const covered = { path, index, key: `${index}`, anchor };
    if (anchor?.mayBeCovered !== true) return [covered];
    return [covered, { ...covered, key: `${index}.named`, anchor: undefined }];
  });
}

function keyOf(path: string): string {
  return path.replace(/\/+/g, "/").replace(/\/$/, "");
}

/** Whether a path lies in a mount that is held, and is not its whole. */
function isInside({ path, anchor }: Pick<Covered, "path" | "anchor">): boolean {
  return anchor !== undefined && anchor.destination !== collapse(path);
}

/** What the kernel has always had as what: the rest is found out when it is covered. */
const FOLDERS = ["/proc/acpi", "/proc/asound", "/proc/scsi", "/sys/firmware"];
const FILES = ["interrupts", "kcore", "keys", "latency_stats", "sched_debug", "sysrq-trigger"]
  .concat("timer_list", "timer_stats", "kmsg", "key-users").map((name) => `/proc/${name}`);

/** What stands at a path of the kernel's own file systems; undefined where that can't be said. */
function kindOf({ path, anchor }: Covered): "directory" | "file" | undefined {
  if (anchor?.destination !== "/proc" && anchor?.destination !== "/sys") return undefined;
  return FOLDERS.includes(path) ? "directory" : FILES.includes(path) ? "file" : undefined;
}

/** The mount of the kernel's that a path leads into. */
function anchorOf(path: string, anchors: readonly Anchor[]): Anchor | undefined {
  if (path.split("/").includes("..")) return undefined;
  const inside = collapse(path);
  return anchors.findLast(({ destination }) =>
    inside === destination || inside.startsWith(`${destination}/`)
  );
}

/**
 * Opens what is to be covered: in /proc and /sys from the mount itself, so that the cover lies on what
 * the kernel shows, wherever the rootfs's folders are by now (CVE-2023-27561); elsewhere by its name,
 * as a program would find it.
 *
 * @param way where the plan goes on
 * @returns adds what handles a path that can't be opened; it stands behind the covers
 */
function openCovered(
  step: StepBuilder,
  { path, anchor }: Covered,
  label: string,
  { first, closes, end }: Covering,
  { facts, mounts }: CoverOptions,
): () => void {
  if (anchor !== undefined) {
    const below = collapse(path).slice(anchor.destination.length);
    // A copy of a mount that is not attached costs more than all the rest of a cover: none is made for
    // what a kernel does not have. A walk has more to do behind what it opens, and goes on as it is.
    const skips = facts.hasOpenat2 && isInside({ path, anchor });
    step.call("openat2", insideRoot(result(anchor.mount), `.${below}`, O_PATH | O_CLOEXEC), {
      label,
      tolerated: "ENOENT",
      onPositive: skips ? { jump: first } : undefined,
      components: below.split("/").filter((part) => part !== ""),
    });
    if (skips) step.jump(closes);
    return () => {};
  }
  const args = insideRoot(result(ROOT), path, O_PATH | O_CLOEXEC);
  // A walk follows no link, and so needs to know where they led.
  const components = facts.hasOpenat2 ? undefined : facts.destination(path, mounts).components;
  return beyondMissing(step, { args, label, end, components, walks: !facts.hasOpenat2 });
}

/** Where a plan goes on that has looked for what it covers. */
interface Covering {
  /** The first call that covers it. */
  readonly first: string;
  /** What closes its place. */
  readonly closes: string;
  /** What comes behind, if nothing is there. */
  readonly end: string;
}

/** The mounts of the kernel's file systems are held no longer. */
export function closeAnchors(anchors: readonly Anchor[]): PlanItem[] {
  const step = new StepBuilder("masks");
  return step.because("close the mounts that were held").close(...anchors.map(({ mount }) => mount))
    .items;
}

/** One empty file system lies over all masked folders. */
function makeEmpty(step: StepBuilder): void {
  const context = `${EMPTY}.fs`;
  step.because("make an empty file system to cover folders with", undefined, POINTER)
    .call("fsopen", ["tmpfs", FSOPEN_CLOEXEC], { label: context })
    .call("fsconfig", [result(context), FSCONFIG_SET_STRING, "source", "tmpfs", 0])
    .call("fsconfig", [result(context), FSCONFIG_SET_FLAG, "ro", 0, 0])
    .call("fsconfig", [result(context), FSCONFIG_CMD_CREATE, 0, 0, 0])
    .call("fsmount", [result(context), FSOPEN_CLOEXEC, MOUNT_ATTR.RDONLY], { label: EMPTY })
    .close(context);
}

/**
 * Covers a folder with a copy of the empty file system's mount.
 *
 * @param copiesDetached whether this kernel copies a mount that is attached nowhere; one before
 *   Linux 6.15 copies it once it is attached, so the first folder gets the mount itself
 */
function coverFolder(step: StepBuilder, k: string, copiesDetached: boolean): void {
  copyEmpty(step, k, copiesDetached);
  attach(step, folderCover(k), place(k), { tolerated: "EBADF" });
  step.close(folderCover(k));
  if (copiesDetached) return;
  step.jump(`mask${k}.covered`);
  attach(step, EMPTY, place(k), { label: `mask${k}.itself`, tolerated: "EBADF" });
}

function copyEmpty(step: StepBuilder, k: string, copiesDetached: boolean): void {
  step.call("open_tree", [result(EMPTY), "", COPY | AT_EMPTY_PATH], {
    label: folderCover(k),
    onError: copiesDetached ? "fail" : { jump: `mask${k}.itself` },
  });
}

function coverFile(step: StepBuilder, k: string, copiesNull: boolean): void {
  const label = fileMount(k);
  if (copiesNull) {
    step.call("open_tree", [result(NULL), "", COPY | AT_EMPTY_PATH], { label: fileCover(k) });
  }
  attach(step, fileCover(k), place(k), { label, tolerated: "EBADF" });
  step.close(fileCover(k));
}

/** Covers what may be a folder or a file: where the first cover is refused, it gets the other. */
function coverEither(
  step: StepBuilder,
  k: string,
  copiesNull: boolean,
  copiesDetached: boolean,
): void {
  copyEmpty(step, k, copiesDetached);
  attach(step, folderCover(k), place(k), { onError: { jump: `mask${k}.otherwise` } });
  step.close(folderCover(k)).jump(`mask${k}.covered`);
  if (!copiesDetached) {
    const file = copiesNull ? fileCover(k) : fileMount(k);
    attach(step, EMPTY, place(k), { label: `mask${k}.itself`, onError: { jump: file } });
    step.jump(`mask${k}.covered`);
  }
  step.call("close", [result(folderCover(k))], {
    label: `mask${k}.otherwise`,
    onError: "continue",
  });
  coverFile(step, k, copiesNull);
}

function place(k: string): string {
  return `mask${k}.place`;
}

function end(k: string): string {
  return `mask${k}.end`;
}

function folderCover(k: string): string {
  return `mask${k}.folder`;
}

function fileCover(k: string): string {
  return `mask${k}.file`;
}

/** What attaches it. */
function fileMount(k: string): string {
  return `mask${k}.null`;
}

function pointerTo(k: number): string {
  return `/linux/maskedPaths/${k}`;
}
