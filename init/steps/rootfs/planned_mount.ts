/**
 * One mount of the plan: what is known of it, and the labels of its fds.
 *
 * @module
 */

import { isBindMount } from "../../../src/config/mount_options.ts";
import type { Mount } from "../../../src/config/types/config.ts";

/** One mount of the plan: the config's, or one that stands for it (a v1 cgroup tree, say). */
export interface PlannedMount {
  readonly mount: Mount;
  /** Where config.json asks for it. */
  readonly pointer: string;
  /** How many mounts of the config are made before it. */
  readonly position: number;
  /** A unique prefix of its labels. */
  readonly label: string;
  /** The SELinux context of its files. */
  readonly context?: string | undefined;
  /** What to do where it can't be made. */
  readonly hint?: string | undefined;
}

/** The options a mount has where config.json names none. */
export const NONE: readonly string[] = [];

/** Whether it is one of the kernel's own file systems, whose fd stays open. */
export function isKernels({ mount }: PlannedMount): boolean {
  if (mount.type !== "proc" && mount.type !== "sysfs") return false;
  return !isBindMount(mount) && !isRemount({ mount });
}

/** Whether it changes what is mounted there already. */
export function isRemount({ mount }: Pick<PlannedMount, "mount">): boolean {
  return mount.options?.includes("remount") === true;
}

/** The label of a mount's fd. */
export function mountOf(label: string): string {
  return `${label}.mount`;
}
