/**
 * State folders that are being made or removed. A folder is made completely under a name that no
 * container can have, and then moved to its place in one step; it is removed in the same way. So a
 * folder with a container's name is always a complete container.
 *
 * The name says which process made the folder, and that process holds its lock. Both tell whether
 * its maker was killed; the folder's age plays no part.
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
import { type Aside, runAside } from "../../ffi/waiting/aside.ts";
import type { Operation } from "../../ffi/program/operation.ts";
import { SyscallProgram } from "../../ffi/program/program.ts";
import { isAlive, type ProcessIdentity } from "./process_identity.ts";

/** The file in a container's folder that makes it one. */
export const STATE_FILE = "state.json";
/** The file in it that tells how the first process ended. */
export const EXIT_FILE = "exit";
/** The folder in it that is the root of a container of hull's own making. */
const ROOTFS = "rootfs";
const FOLDER_MODE = 0o711;
const NAME = /^~(?:new|old)-(\d+)-(\d+)-([0-9a-f-]+)-[0-9a-f]{8}$/;

/** A new folder beside the containers', locked by this program. */
export function makeTemporary(root: string, me: ProcessIdentity): { path: string; lock: Fd } {
  for (;;) {
    const path = `${root}/${temporaryName("new", me)}`;
    if (!makeFolder(path, FOLDER_MODE)) continue;
    try {
      const lock = openFolder(path);
      tryLock(lock); // no other program locks it
      return { path, lock };
    } catch (error) {
      unlinkAt(AT_FDCWD, path, AT_REMOVEDIR);
      throw error;
    }
  }
}

/** Moves a folder away; undefined if it is gone. */
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

/**
 * Removes a state folder. Normally it holds only two files; if there is more, all of it is removed.
 */
export function removeFolder(path: string): void {
  const program = removal(path);
  program.run();
  if (program.result(FOLDER) < 0) Deno.removeSync(path, { recursive: true });
}

const FOLDER = "folder";
/** What the folder of a container that has ended holds, with the empty folder of its root. */
const USUAL = [STATE_FILE, EXIT_FILE, ROOTFS] as const;

/**
 * The same by calls that another thread may make: a kernel that writes to a disk takes milliseconds.
 *
 * @throws what `Deno.remove` throws
 */
export async function removeAside(path: string, aside: Aside): Promise<void> {
  const program = removal(path);
  await runAside(program, aside);
  if (program.result(FOLDER) < 0) await Deno.remove(path, { recursive: true });
}

/** The calls that remove what a folder usually holds, and then itself. */
function removal(path: string): SyscallProgram {
  return new SyscallProgram([
    ...USUAL.map((name): Operation => ({
      syscall: "unlinkat",
      args: [AT_FDCWD, `${path}/${name}`, name === ROOTFS ? AT_REMOVEDIR : 0],
      onError: "continue",
    })),
    { label: FOLDER, syscall: "unlinkat", args: [AT_FDCWD, path, AT_REMOVEDIR] },
  ]);
}

/**
 * Removes what a killed maker or remover left, if the name is of a temporary folder.
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
    // A living maker may be in another pid namespace, where its pid is another: then it holds the
    // lock.
    if (!tryLock(lock)) return false;
    removeFolder(path);
    return true;
  } catch {
    return false; // another hull removes it, or the next sweep does
  }
}

function temporaryName(kind: "new" | "old", { pid, startTime, bootId }: ProcessIdentity): string {
  // A random part, since several threads of this process may make folders. Nobody else can write
  // here.
  const random = Math.floor(Math.random() * 2 ** 32).toString(16).padStart(8, "0");
  return `~${kind}-${pid}-${startTime}-${bootId}-${random}`;
}

function openFolder(path: string): Fd {
  return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}
