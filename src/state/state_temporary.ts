/**
 * State folders on their way: one is made whole under a name that no container can have, and moved to
 * its place in one step; to be removed it is moved away in one step. So what has a container's name is
 * a container, at every moment.
 *
 * The name says whose folder it is, and its maker holds its lock: what is left of one that was killed
 * is told by both, never by an age.
 *
 * @module
 */

import { failedWith } from "../../ffi/c/errno.ts";
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  type Fd,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  open,
} from "../../ffi/files/file.ts";
import { makeFolder, renameNew, unlinkAt } from "../../ffi/files/entries.ts";
import { tryLock } from "../../ffi/files/file_lock.ts";
import { isAlive, type ProcessIdentity } from "./process_identity.ts";

/** The file in a container's folder that makes it one. */
export const STATE_FILE = "state.json";
const FOLDER_MODE = 0o711;
const NAME = /^~(?:new|old)-(\d+)-(\d+)-([0-9a-f-]+)-[0-9a-f]{8}$/;

/** A new folder beside the containers', locked by this program. */
export function makeTemporary(root: string, me: ProcessIdentity): { path: string; lock: Fd } {
  for (;;) {
    const path = `${root}/${temporaryName("new", me)}`;
    if (!makeFolder(path, FOLDER_MODE)) continue;
    try {
      const lock = openFolder(path);
      tryLock(lock); // nobody else has a reason to
      return { path, lock };
    } catch (error) {
      unlinkAt(AT_FDCWD, path, AT_REMOVEDIR);
      throw error;
    }
  }
}

/** Moves a folder out of the way; undefined if it is gone. */
export function moveAway(root: string, path: string, me: ProcessIdentity): string | undefined {
  try {
    for (;;) {
      const away = `${root}/${temporaryName("old", me)}`;
      if (renameNew(path, away)) return away;
    }
  } catch (error) {
    if (failedWith(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** Whether a process is making a container under a root folder just now. */
export function isMaking({ pid, startTime, bootId }: ProcessIdentity, root: string): boolean {
  const start = `~new-${pid}-${startTime}-${bootId}-`;
  for (const { name } of Deno.readDirSync(root)) if (name.startsWith(start)) return true;
  return false;
}

/** Removes a state folder: what a stopped container has in it first, and then whatever else is there. */
export function removeFolder(path: string): void {
  try {
    unlinkAt(AT_FDCWD, `${path}/${STATE_FILE}`);
    unlinkAt(AT_FDCWD, path, AT_REMOVEDIR);
  } catch {
    Deno.removeSync(path, { recursive: true });
  }
}

/**
 * Removes what a killed maker or remover left, if the name is of that kind.
 *
 * @returns whether it did
 */
export function sweep(root: string, name: string): boolean {
  const [, pid, startTime, bootId] = NAME.exec(name) ?? [];
  if (pid === undefined || bootId === undefined) return false;
  if (isAlive({ pid: Number(pid), startTime: Number(startTime), bootId })) return false;
  const path = `${root}/${name}`;
  try {
    using lock = openFolder(path);
    // A maker in another pid namespace has another number there.
    if (!tryLock(lock)) return false;
    removeFolder(path);
    return true;
  } catch {
    return false; // another hull removes it, or it stays for the next
  }
}

function temporaryName(kind: "new" | "old", { pid, startTime, bootId }: ProcessIdentity): string {
  // Of several threads of this process none may take another's; nobody else can write here.
  const random = Math.floor(Math.random() * 2 ** 32).toString(16).padStart(8, "0");
  return `~${kind}-${pid}-${startTime}-${bootId}-${random}`;
}

function openFolder(path: string): Fd {
  return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}
