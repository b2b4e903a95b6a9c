/**
 * newuidmap and newgidmap, which give an ordinary user's namespace the ids of /etc/subuid and
 * /etc/subgid.
 *
 * Source: newuidmap(1), subuid(5).
 *
 * @module
 */

import { findInstalled, type InstalledProgram } from "../own/installed_program.ts";

/** The two programs. */
export type MapTool = "newuidmap" | "newgidmap";

/** Where distributions have them; NixOS has the last. */
const FOLDERS = ["/usr/bin", "/bin", "/usr/local/bin", "/usr/sbin", "/sbin", "/run/wrappers/bin"];

/** Finds one of them. One that is not root's own in this user namespace has no right here. */
export function findMapTool(name: MapTool): InstalledProgram | undefined {
  return findInstalled(name, FOLDERS, [0]);
}
