/**
 * newuidmap and newgidmap, which give an ordinary user's namespace the ids of /etc/subuid and
 * /etc/subgid.
 *
 * Source: newuidmap(1), subuid(5).
 *
 * @module
 */

import { S_IFMT, S_IFREG, tryStatPath } from "../../ffi/files/file_status.ts";

/** The two programs. */
export type MapTool = "newuidmap" | "newgidmap";

/** Where distributions have them; NixOS has the last. */
const FOLDERS = ["/usr/bin", "/bin", "/usr/local/bin", "/usr/sbin", "/sbin", "/run/wrappers/bin"];

const WRITABLE_BY_OTHERS = 0o022;
const EXECUTABLE = 0o111;
const SETUID = 0o4000;

/** A program that was found. */
export interface FoundTool {
  /** Absolute. */
  readonly path: string;
  /** Whether it has the setuid bit; it may have file capabilities in its place. */
  readonly isSetuid: boolean;
}

/**
 * Finds one of them, by no search path that the caller set: it must be root's, and nobody else may
 * be able to change it.
 *
 * @param owner root as this user namespace sees it
 */
export function findMapTool(
  name: MapTool,
  folders: readonly string[] = FOLDERS,
  owner = 0,
): FoundTool | undefined {
  for (const folder of folders) {
    const path = `${folder}/${name}`;
    const status = tryStatPath(path, true);
    if (typeof status === "number" || (status.mode & S_IFMT) !== S_IFREG) continue;
    const { mode, uid, size } = status;
    if (size === 0 || (mode & EXECUTABLE) === 0 || (mode & WRITABLE_BY_OTHERS) !== 0) continue;
    if (uid === owner) return { path, isSetuid: (mode & SETUID) !== 0 };
  }
  return undefined;
}
