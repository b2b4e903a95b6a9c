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
  anchors: CoverOptions["anchors"],
): PlanItem[] {
  const step = new StepBuilder("sources");
  const files = coversOf(paths, anchors).filter((each) => kindOf(each) !== "directory");
  if (files.length === 0) return [];
  const host = `${NULL}.host`;
  step.because("check that the host's /dev/null is the null device", "/dev/null", POINTER)
    .call("openat", [AT_FDCWD, "/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC, 0], { label: host });
  requireNode(step, host, device);
  step.because("copy the mount of the host's null device", "/dev/null", POINTER);
  step.call("open_tree", [result(host), "", COPY | AT_EMPTY_PATH], { label: NULL }).close(host);
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
  for (const { covered, kind } of masks) {
    const { path, key: k, index } = covered;
    step.because(`mask ${path}`, path, pointerTo(index));
    const first = kind === "file" ? fileCover(k) : folderCover(k);
    const miss = openCovered(
      step,
      covered,
      place(k),
      { first, closes: closing(k), end: end(k) },
      options,
    );
    if (kind === undefined) coverEither(step, k, takesFresh);
    else if (kind === "file") coverFile(step, k, takesFresh);
    else coverFolder(step, k);
    step.call("close", [result(place(k))], { label: closing(k), onError: "continue" });
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

// A cover is a copy of a mount that is attached nowhere, or that mount itself: before Linux 6.15 it
// can be copied once it is attached (EINVAL). No other failure of a copy must lead there, since a
// mount that is attached would be moved away from what it covers.

/** Covers a folder with the empty file system. */
function coverFolder(step: StepBuilder, k: string): void {
  copy(step, EMPTY, folderCover(k), folderMount(k));
  attach(step, EMPTY, place(k), { tolerated: "EBADF" });
  step.jump(closing(k));
  attach(step, folderCover(k), place(k), { label: folderMount(k), tolerated: "EBADF" });
  step.close(folderCover(k));
}

/**
 * Covers a file with the null device.
 *
 * @param takesFresh whether that is one of /dev, which is attached
 */
function coverFile(step: StepBuilder, k: string, takesFresh: boolean): void {
  if (takesFresh) {
    step.call("open_tree", [result(NULL), "", COPY | AT_EMPTY_PATH], { label: fileCover(k) });
  } else {
    copy(step, NULL, fileCover(k), fileMount(k));
    attach(step, NULL, place(k), { tolerated: "EBADF" });
    step.jump(closing(k));
  }
  attach(step, fileCover(k), place(k), { label: fileMount(k), tolerated: "EBADF" });
  step.close(fileCover(k));
}

/** Covers what may be a folder or a file: if one kind of cover is refused, the other is used. */
function coverEither(step: StepBuilder, k: string, takesFresh: boolean): void {
  copy(step, EMPTY, folderCover(k), folderMount(k));
  attach(step, EMPTY, place(k), { onError: { jump: fileCover(k) } });
  step.jump(closing(k));
  attach(step, folderCover(k), place(k), {
    label: folderMount(k),
    onError: { jump: `mask${k}.otherwise` },
  });
  step.close(folderCover(k)).jump(closing(k));
  step.call("close", [result(folderCover(k))], {
    label: `mask${k}.otherwise`,
    onError: "continue",
  });
  coverFile(step, k, takesFresh);
}

/**
 * Copies a mount that may be attached nowhere.
 *
 * @param copied where the plan goes on with the copy; without one it goes on behind
 */
function copy(step: StepBuilder, from: string, label: string, copied: string): void {
  step.call("open_tree", [result(from), "", COPY | AT_EMPTY_PATH], {
    label,
    tolerated: "EINVAL",
    onPositive: { jump: copied },
  });
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

/** The label of the call that attaches a folder's cover. */
function folderMount(k: string): string {
  return `mask${k}.empty`;
}

/** The label of the call that closes what was covered. */
function closing(k: string): string {
  return `mask${k}.covered`;
}

/** The label of the call that attaches a file's cover. */
function fileMount(k: string): string {
  return `mask${k}.null`;
}

function pointerTo(k: number): string {
  return `/linux/maskedPaths/${k}`;
}
