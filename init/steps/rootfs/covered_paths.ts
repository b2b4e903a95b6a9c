/**
 * How a path that is to be covered is found. Whether something is there, and whether it is a folder, is
 * the kernel's answer when it is covered: nothing that was seen before the mounts were made counts.
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
  /** What its labels have of it. */
  readonly key: string;
  /** The mount that it is looked for in; undefined: it is found by its name. */
  readonly anchor: Anchor | undefined;
}

/**
 * Each path once: a second cover over the first covers nothing. One in a mount that may be covered
 * itself is looked for there, and by its name as well.
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

/** Whether a path lies in a mount that is held, and is not its whole. */
export function isInside({ path, anchor }: Pick<Covered, "path" | "anchor">): boolean {
  return anchor !== undefined && anchor.destination !== collapse(path);
}

/** What the kernel has always had as what: the rest is found out when it is covered. */
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
 * Opens what is to be covered: in /proc and /sys from the mount itself, so that the cover lies on what
 * the kernel shows, wherever the rootfs's folders are by now (CVE-2023-27561); elsewhere by its name,
 * as a program would find it.
 *
 * @param way where the plan goes on
 * @returns adds what handles a path that can't be opened; it stands behind the covers
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
