/**
 * How a path that must be covered is found. Whether something is there, and whether it is a folder,
 * the kernel decides at the moment of covering. What was seen before the mounts were made does not
 * count.
 *
 * @module
 */

import { O_CLOEXEC, O_PATH } from "../../../ffi/files/file.ts";
import type { Facts } from "../../operations/facts.ts";
import { result, type StepBuilder } from "../../operations/operation.ts";
import type { Anchor } from "./anchors.ts";
import { beyondMissing, collapse, insideRoot, ROOT } from "../places/paths.ts";

/** What the covers depend on. */
export interface CoverOptions {
  /** The mounts of the kernel's own file systems. */
  readonly anchors: readonly Anchor[];
  readonly facts: Facts;
  /** How many mounts the config has. */
  readonly mounts: number;
}

/** One path that is to be covered. */
export interface Covered {
  readonly path: string;
  /** Where config.json has it. */
  readonly index: number;
  /** Its part of the labels. */
  readonly key: string;
  /** The mount in which it is looked for; undefined if it is looked for by its name. */
  readonly anchor: Anchor | undefined;
}

/**
 * Each path once, since a second cover over the first would hide nothing. A path in a held mount
 * that may itself be covered is looked for in that mount, and by its name as well.
 */
export function coversOf(paths: readonly string[], anchors: readonly Anchor[]): readonly Covered[] {
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

/** The same text for each way of writing a path. */
export function keyOf(path: string): string {
  return path.replace(/\/+/g, "/").replace(/\/$/, "");
}

/** Whether a path lies in a mount that is held, and is not its root. */
export function isInside({ path, anchor }: Pick<Covered, "path" | "anchor">): boolean {
  return anchor !== undefined && anchor.destination !== collapse(path);
}

/**
 * Paths that have always been folders, or files, in every kernel. For others this is found out when
 * they are covered.
 */
const FOLDERS = ["/proc/acpi", "/proc/asound", "/proc/scsi", "/sys/firmware"];

const FILES = ["interrupts", "kcore", "keys", "latency_stats", "sched_debug", "sysrq-trigger"]
  .concat("timer_list", "timer_stats", "kmsg", "key-users").map((name) => `/proc/${name}`);

/** What stands at a path of the kernel's own file systems; undefined where that can't be said. */
export function kindOf({ path, anchor }: Covered): "directory" | "file" | undefined {
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
 * Opens what is to be covered. In /proc and /sys it is opened from the mount itself, so that the
 * cover lies over the kernel's own file even if folders of the rootfs were moved meanwhile
 * (CVE-2023-27561). Elsewhere it is opened by its name, as a program would.
 *
 * @param way where the plan goes on
 * @returns a function that adds the operations for a path that can't be opened; they stand behind
 *   the covers
 */
export function openCovered(
  step: StepBuilder,
  { path, anchor }: Covered,
  label: string,
  { first, closes, end }: Covering,
  { facts, mounts }: CoverOptions,
): () => void {
  if (anchor !== undefined) {
    const below = collapse(path).slice(anchor.destination.length);
    // Copying a mount that is not attached costs more than the rest of a cover, so none is copied
    // for a path that this kernel does not have. A walk must close what it opened, so it does not
    // jump.
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
  const name = keyOf(path) || "/";
  const args = insideRoot(result(ROOT), name, O_PATH | O_CLOEXEC);
  // A walk follows no link, so it needs a path in which links are resolved.
  const components = facts.hasOpenat2 ? undefined : facts.destination(path, mounts).components;
  // At a `.` or `..` behind a file, too, the kernel says ENOTDIR, though the path names what is there.
  const skipsBelowFile = facts.hasOpenat2 && collapse(name) === name;
  return beyondMissing(step, { args, label, end, components, skipsBelowFile });
}

/** Where a plan goes on after it has looked for a path to cover. */
interface Covering {
  /** The first call that covers it. */
  readonly first: string;
  /** What closes its place. */
  readonly closes: string;
  /** What comes behind, if nothing is there. */
  readonly end: string;
}
