/**
 * Paths that the container may not read: folders are covered with an empty file system, files with
 * /dev/null.
 *
 * Source: the runtime-spec's "Masked Paths".
 *
 * @module
 */

import { AT_EMPTY_PATH, AT_FDCWD, O_CLOEXEC, O_NOFOLLOW, O_PATH } from "../../../ffi/files/file.ts";
import {
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  FSOPEN_CLOEXEC,
  MOUNT_ATTR,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from "../../../ffi/files/mount.ts";
import type { NodeStatus } from "../../operations/facts.ts";
import { type PlanItem, result, StepBuilder } from "../../operations/operation.ts";
import { attach } from "./mount_calls.ts";
import { openPlace } from "../places/paths.ts";
import { requireNode } from "../places/verify.ts";
import { type CoverOptions, coversOf, kindOf, openCovered } from "./covered_paths.ts";

/**
 * The label of the null device that files are covered with: of a fresh /dev, or a copy of the
 * host's.
 */
const NULL = "masks.null";

/** The label of the empty file system that folders are covered with. */
const EMPTY = "masks.empty";

const COPY = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;

/**
 * Copies the host's /dev/null while it can still be reached. {@linkcode maskPaths} covers files
 * with it if init did not make /dev freshly, since its `null` may be anything then
 * (CVE-2025-31133).
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

/** Covers what may be a folder or a file: if one kind of cover is refused, the other is used. */
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

/** The label of the mount that covers a file. */
function fileMount(k: string): string {
  return `mask${k}.null`;
}

function pointerTo(k: number): string {
  return `/linux/maskedPaths/${k}`;
}
