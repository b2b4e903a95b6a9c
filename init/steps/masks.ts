/**
 * Paths that the container may not read, and paths that it may not write.
 *
 * Source: the runtime-spec's "Masked Paths" and "Readonly Paths".
 *
 * @module
 */

import { AT_EMPTY_PATH, AT_FDCWD, O_CLOEXEC, O_NOFOLLOW, O_PATH } from "../../ffi/file.ts";
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
import type { Destination, NodeStatus } from "../facts.ts";
import { type PlanItem, result, StepBuilder } from "../operation.ts";
import { type Anchor, attach, setAttributes } from "./mounts.ts";
import { insideRoot, openPlace } from "./paths.ts";
import { requireNode } from "./verify.ts";

/** Looks at a path inside the container. */
type Look = (path: string) => Destination;

/** The label of the null device that files are covered with: of a fresh /dev, or the host's. */
const NULL = "masks.null";
const COPY = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;

/** Makes paths read-only, trees with all mounts in them; paths that are missing are passed over. */
export function protectPaths(
  paths: readonly string[],
  look: Look,
  anchors: readonly Anchor[],
): PlanItem[] {
  const step = new StepBuilder("masks");
  paths.forEach((path, k) => {
    const { kind, components } = look(path);
    if (kind === "missing") return;
    step.because(`make ${path} read-only`, path, `/linux/readonlyPaths/${k}`);
    const place = `readonly${k}.place`;
    const mount = `readonly${k}.mount`;
    openCovered(step, path, place, components, anchors);
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
export function openMaskSources(
  paths: readonly string[],
  look: Look,
  device: NodeStatus,
): PlanItem[] {
  const step = new StepBuilder("sources");
  const files = paths.map((path) => look(path).kind)
    .flatMap((kind, k) => kind === "file" || kind === "unknown" ? [k] : []);
  if (files.length === 0) return [];
  step.because("check that the host's /dev/null is the null device", "/dev/null", POINTER)
    .call("openat", [AT_FDCWD, "/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC, 0], { label: NULL });
  requireNode(step, NULL, device);
  for (const k of files) {
    step.because("copy the mount of the host's null device", "/dev/null", pointerTo(k))
      .call("open_tree", [result(NULL), "", COPY | AT_EMPTY_PATH], { label: `mask${k}.file` });
  }
  step.close(NULL);
  return step.items;
}

/**
 * Covers paths: folders with an empty file system, files with /dev/null.
 *
 * @param fresh what /dev/null is in a /dev that init made and filled; undefined in any other /dev
 */
export function maskPaths(
  paths: readonly string[],
  look: Look,
  fresh: NodeStatus | undefined,
  anchors: readonly Anchor[],
): PlanItem[] {
  const step = new StepBuilder("masks");
  const places = paths.map(look);
  const hasFiles = places.some(({ kind }) => kind === "file" || kind === "unknown");
  const takesFresh = fresh !== undefined && hasFiles;
  if (takesFresh) {
    step.because(
      "check that /dev/null, to cover files with, is the null device",
      "/dev/null",
      POINTER,
    );
    openPlace(step, "/dev/null", NULL, { followLinks: false });
    requireNode(step, NULL, fresh);
  }
  places.forEach(({ kind, components }, k) => {
    const path = paths[k] as string;
    if (kind === "missing") return;
    step.because(`mask ${path}`, path, pointerTo(k));
    openCovered(step, path, `mask${k}.place`, components, anchors);
    if (kind !== "file") coverFolder(step, k, kind === "unknown");
    if (kind !== "directory") coverFile(step, k, takesFresh);
    step.call("close", [result(`mask${k}.place`)], { label: `mask${k}.end`, onError: "continue" });
  });
  if (takesFresh) step.close(NULL);
  return step.items;
}

const POINTER = "/linux/maskedPaths";

/**
 * Opens what is to be covered: in /proc and /sys from the mount itself, so that the cover lies on what
 * the kernel shows, wherever the rootfs's folders are by now (CVE-2023-27561).
 */
function openCovered(
  step: StepBuilder,
  path: string,
  place: string,
  components: readonly string[],
  anchors: readonly Anchor[],
): void {
  const inside = `/${components.join("/")}`;
  const anchor = anchors.findLast(({ destination }) =>
    inside === destination || inside.startsWith(`${destination}/`)
  );
  if (anchor === undefined) {
    return openPlace(step, path, place, { tolerated: "ENOENT", components });
  }
  const below = inside.slice(anchor.destination.length);
  step.call("openat2", insideRoot(result(anchor.mount), `.${below}`, O_PATH | O_CLOEXEC), {
    label: place,
    tolerated: "ENOENT",
    components: below.split("/").filter((part) => part !== ""),
  });
}

/** Closes what the covers were looked for by. */
export function closeAnchors(anchors: readonly Anchor[]): PlanItem[] {
  const step = new StepBuilder("masks");
  return step.because("close the mounts that were held").close(...anchors.map(({ mount }) => mount))
    .items;
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

function coverFile(step: StepBuilder, k: number, takesFresh: boolean): void {
  const mount = `mask${k}.file`;
  if (takesFresh) {
    step.call("open_tree", [result(NULL), "", COPY | AT_EMPTY_PATH], { label: mount });
  }
  attach(step, mount, `mask${k}.place`, { tolerated: "EBADF" });
  step.close(mount);
}

function pointerTo(k: number): string {
  return `/linux/maskedPaths/${k}`;
}
