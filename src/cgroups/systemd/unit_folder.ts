/**
 * Where systemd itself keeps a unit's processes.
 *
 * @module
 */

import type { CgroupManager } from "../manager.ts";

/** The unit's cgroup in systemd's own hierarchy: the only one of v2. */
export function unitFolder({ version, paths }: Pick<CgroupManager, "version" | "paths">): string {
  return paths[version === 1 ? "name=systemd" : ""] ?? "";
}
