/**
 * Paths that the container may not read, and paths that it may not write.
 *
 * Source: the runtime-spec's "Masked Paths" and "Readonly Paths".
 *
 * @module
 */

import { AT_EMPTY_PATH, AT_FDCWD } from "../../ffi/file.ts";
import {
  AT_RECURSIVE,
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  FSOPEN_CLOEXEC,
  MOUNT_ATTR,
  mountAttributes,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_EMPTY_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from "../../ffi/mount.ts";
import type { FileKind } from "../facts.ts";
import { type PlanItem, result, StepBuilder } from "../operation.ts";
import { attach, setAttributes } from "./mounts.ts";
import { openPlace } from "./paths.ts";

/** Looks at a path inside the container. */
type KindOf = (path: string) => FileKind;

/** The label of /dev/null as init made it in a fresh /dev. */
const NULL = "masks.null";
const COPY = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;

/** Makes paths read-only, trees with all mounts in them; paths that are missing are passed over. */
export function protectPaths(paths: readonly string[], kindOf: KindOf): PlanItem[] {
  const step = new StepBuilder("masks");
  paths.forEach((path, k) => {
    if (kindOf(path) === "missing") return;
    step.because(`make ${path} read-only`, path, `/linux/readonlyPaths/${k}`);
    const place = `readonly${k}.place`;
    const mount = `readonly${k}.mount`;
    openPlace(step, path, place, { tolerated: "ENOENT" });
    // EBADF from here on: the place was missing after all.
    step.call("open_tree", [result(place), "", COPY | AT_EMPTY_PATH | AT_RECURSIVE], {
      label: mount,
      tolerated: "EBADF",
    });
    setAttributes(step, mount, mountAttributes(MOUNT_ATTR.RDONLY, 0), { tolerated: "EBADF" });
    attach(step, mount, place, { tolerated: "EBADF" });
    step.close(mount, place);
  });
  return step.items;
}

/**
 * What {@linkcode maskPaths} covers files with where /dev is not a fresh one of init's making, and
 * its `null` may be anything: the host's /dev/null, copied while it can be reached (CVE-2025-31133).
 */
export function openMaskSources(paths: readonly string[], kindOf: KindOf): PlanItem[] {
  const step = new StepBuilder("sources");
  paths.forEach((path, k) => {
    const kind = kindOf(path);
    if (kind !== "file" && kind !== "unknown") return;
    step.because("copy the mount of the host's null device", "/dev/null", pointerTo(k))
      .call("open_tree", [AT_FDCWD, "/dev/null", COPY], { label: `mask${k}.file` });
  });
  return step.items;
}

/**
 * Covers paths: folders with an empty file system, files with /dev/null.
 *
 * @param freshDev whether /dev is a file system that init made and filled
 */
export function maskPaths(paths: readonly string[], kindOf: KindOf, freshDev: boolean): PlanItem[] {
  const step = new StepBuilder("masks");
  const kinds = paths.map((path) => kindOf(path));
  const hasFiles = kinds.some((kind) => kind === "file" || kind === "unknown");
  if (freshDev && hasFiles) {
    step.because("take the null device to cover files with", "/dev/null", "/linux/maskedPaths");
    openPlace(step, "/dev/null", NULL, { followLinks: false });
  }
  paths.forEach((path, k) => {
    const kind = kinds[k] as FileKind;
    if (kind === "missing") return;
    step.because(`mask ${path}`, path, pointerTo(k));
    openPlace(step, path, `mask${k}.place`, { tolerated: "ENOENT" });
    if (kind !== "file") coverFolder(step, k, kind === "unknown");
    if (kind !== "directory") coverFile(step, k, freshDev);
    step.call("close", [result(`mask${k}.place`)], { label: `mask${k}.end`, onError: "continue" });
  });
  if (freshDev && hasFiles) step.close(NULL);
  return step.items;
}

/** Covers with an empty file system; where it may be a file, a refusal leads to the other cover. */
function coverFolder(step: StepBuilder, k: number, mayBeFile: boolean): void {
  const [context, mount, place] = [`mask${k}.fs`, `mask${k}.folder`, `mask${k}.place`];
  step.call("fsopen", ["tmpfs", FSOPEN_CLOEXEC], { label: context });
  step.call("fsconfig", [result(context), FSCONFIG_SET_STRING, "source", "tmpfs", 0]);
  step.call("fsconfig", [result(context), FSCONFIG_SET_FLAG, "ro", 0, 0]);
  step.call("fsconfig", [result(context), FSCONFIG_CMD_CREATE, 0, 0, 0]);
  step.call("fsmount", [result(context), FSOPEN_CLOEXEC, MOUNT_ATTR.RDONLY], { label: mount });
  step.close(context);
  if (mayBeFile) {
    const flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
    step.call("move_mount", [result(mount), "", result(place), "", flags], {
      onError: { jump: `mask${k}.otherwise` },
    });
    step.jump(`mask${k}.end`);
    step.call("close", [result(mount)], { label: `mask${k}.otherwise`, onError: "continue" });
  } else {
    attach(step, mount, place, { tolerated: "EBADF" });
    step.close(mount);
  }
}

function coverFile(step: StepBuilder, k: number, freshDev: boolean): void {
  const mount = `mask${k}.file`;
  if (freshDev) step.call("open_tree", [result(NULL), "", COPY | AT_EMPTY_PATH], { label: mount });
  attach(step, mount, `mask${k}.place`, { tolerated: "EBADF" });
  step.close(mount);
}

function pointerTo(k: number): string {
  return `/linux/maskedPaths/${k}`;
}
