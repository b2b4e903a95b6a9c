/**
 * Programs of the host that hull runs. They are found by no search path that somebody set: each
 * must be root's, and nobody else may be able to change it.
 *
 * @module
 */

import { S_IFMT, S_IFREG, tryStatPath } from "../../ffi/files/file_status.ts";
import { isInUserNamespace } from "./rights.ts";

const WRITABLE_BY_OTHERS = 0o022;
const EXECUTABLE = 0o111;
const SETUID = 0o4000;

/** Who has no id in a user namespace seems to be this user there: user_namespaces(7). */
const OVERFLOW = 65534;

/** A program that was found. */
export interface InstalledProgram {
  /** Absolute. */
  readonly path: string;
  /** Whether it has the setuid bit; it may have file capabilities in its place. */
  readonly isSetuid: boolean;
}

/**
 * Finds one in the first folder that has it.
 *
 * @param owners root, by the ids that this user namespace may have for it
 */
export function findInstalled(
  name: string,
  folders: readonly string[],
  owners: readonly number[],
): InstalledProgram | undefined {
  for (const folder of folders) {
    const path = `${folder}/${name}`;
    const status = tryStatPath(path, true);
    if (typeof status === "number" || (status.mode & S_IFMT) !== S_IFREG) continue;
    const { mode, uid, size } = status;
    if (size === 0 || (mode & EXECUTABLE) === 0 || (mode & WRITABLE_BY_OTHERS) !== 0) continue;
    if (owners.includes(uid)) return { path, isSetuid: (mode & SETUID) !== 0 };
  }
  return undefined;
}

/** The ids that the host's root may have here. */
export function rootsIds(): readonly number[] {
  return isInUserNamespace() ? [0, OVERFLOW] : [0];
}
