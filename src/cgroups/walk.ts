/**
 * Walks over a tree of cgroups that a container may have made: deeper than a path can be long, with
 * names that are not UTF-8, and of any size. A walk has one folder open at a time and goes on from
 * its fd: down by name, up by `..`. The latter always leads back to where it came from, since a
 * cgroup can't move to another parent (rename(2) is refused). Cgroups that vanish meanwhile are
 * skipped.
 *
 * @module
 */

import { failedWith, SyscallError } from "../../ffi/c/errno.ts";
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  type Fd,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  openAt,
  type PathBytes,
} from "../../ffi/files/file.ts";
import { unlinkAt } from "../../ffi/files/entries.ts";
import { subfolders } from "../../ffi/files/folder.ts";
import { fromCString } from "../../ffi/c/memory.ts";
import { cgroupError } from "./cgroup_errors.ts";
import { CgroupFolder } from "./folder.ts";

/** What is done on the way. */
interface Visitor {
  /** With each cgroup, before those below it. */
  readonly enter?: (folder: CgroupFolder) => void;
  /** With each but the first, after those below it: its parent, and its name there. */
  readonly leave?: (parent: Fd, name: Uint8Array<ArrayBuffer>) => void;
}

/** A cgroup on the way from the first to the one that is open. */
interface Level {
  /** Its path, for messages. */
  readonly path: string;
  readonly name: Uint8Array<ArrayBuffer>;
  /** Those below it that have not been visited. */
  readonly rest: Uint8Array<ArrayBuffer>[];
}

/**
 * Calls `visit` for a cgroup and each one below it, parents first. For none, if it is gone.
 *
 * @param visit what it gets is closed by the walk
 * @throws {ContainerError} SystemError
 */
export function forEachCgroup(path: string, visit: (folder: CgroupFolder) => void): void {
  walk(path, { enter: visit });
}

/**
 * Removes the cgroups below one, except those that hold processes.
 *
 * @throws {ContainerError} SystemError if they can't be walked
 */
export function removeBelow(path: string): void {
  walk(path, {
    leave: (parent, name) => {
      try {
        unlinkAt(parent, name, AT_REMOVEDIR);
      } catch (error) {
        // The removal of the parent will report what remains.
        if (!(error instanceof SyscallError)) throw error;
      }
    },
  });
}

function walk(path: string, visitor: Visitor): void {
  const above: Level[] = [];
  const first = openFolder(AT_FDCWD, path, path);
  if (first === undefined) return;
  let folder: Fd = first;
  try {
    let level: Level = { path, name: new Uint8Array(), rest: enter(folder, path, visitor) };
    for (;;) {
      const name = level.rest.pop();
      if (name !== undefined) {
        const child = `${level.path}/${fromCString(name)}`;
        const below = openFolder(folder, name, child);
        if (below === undefined) continue;
        folder.close();
        folder = below;
        above.push(level);
        level = { path: child, name, rest: enter(folder, child, visitor) };
        continue;
      }
      const parent = above.pop();
      if (parent === undefined) return;
      const up = openFolder(folder, "..", parent.path);
      if (up === undefined) return; // if the parent is gone, all below it is gone
      folder.close();
      folder = up;
      visitor.leave?.(folder, level.name);
      level = parent;
    }
  } finally {
    folder.close();
  }
}

/** Gives what is below it. */
function enter(folder: Fd, path: string, { enter }: Visitor): Uint8Array<ArrayBuffer>[] {
  enter?.(new CgroupFolder(path, folder));
  try {
    return subfolders(folder);
  } catch (error) {
    if (isGone(error)) return [];
    throw cgroupError("cannot list the cgroup", error, path);
  }
}

/** Undefined if it is gone. */
function openFolder(at: Fd | typeof AT_FDCWD, name: PathBytes, path: string): Fd | undefined {
  try {
    return openAt(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw cgroupError("cannot open the cgroup", error, path);
  }
}

function isGone(error: unknown): boolean {
  return failedWith(error, "ENOENT", "ENODEV");
}
