/**
 * The folders of a sandbox: listed, made, removed.
 *
 * @module
 */

import { failedWith, SyscallError } from "../../../ffi/c/errno.ts";
import { chmodFd, mkdirAt, unlinkAt } from "../../../ffi/files/entries.ts";
import {
  AT_REMOVEDIR,
  type Fd,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  openAt,
  type PathBytes,
} from "../../../ffi/files/file.ts";
import { entries } from "../../../ffi/files/folder.ts";
import { turn } from "../../../ffi/waiting/abort.ts";
import { openInside } from "../../security/safe_path.ts";
import type { DirEntry } from "./file_types.ts";
import { type Entry, isFolder, openEntry, openPlace, requireStore } from "./place.ts";
import { byOwnPath, ownPath } from "./reopened.ts";

const FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

/** Opens a folder for reading. */
export function openFolder(root: Fd, path: string): Fd {
  return openInside(root, path, O_PATH | O_DIRECTORY);
}

/** What is in an open folder. */
export async function listFolder(folder: Fd, path: string): Promise<DirEntry[]> {
  return await byOwnPath("getdents64", path, async () => {
    const found: DirEntry[] = [];
    for await (const { name, isFile, isDirectory, isSymlink } of Deno.readDir(ownPath(folder))) {
      found.push({ name, isFile, isDirectory, isSymlink });
    }
    return found;
  });
}

/**
 * Makes a folder, and with `recursive` those above it.
 *
 * @param mode of the folders, whatever this program's umask is
 * @throws {SyscallError}
 */
export function makeFolder(root: Fd, path: string, mode: number, recursive: boolean): void {
  if (!recursive) {
    using entry = openEntry(root, path);
    return makeIn(entry, mode);
  }
  let whole = "";
  for (const name of path.split("/").filter((each) => each !== "" && each !== ".")) {
    whole += `/${name}`;
    if (name === ".." || isThere(root, whole)) continue;
    using entry = openEntry(root, whole);
    try {
      makeIn(entry, mode);
    } catch (error) {
      if (!failedWith(error, "EEXIST")) throw error; // somebody inside was first
    }
  }
  using place = openPlace(root, path);
  if (!isFolder(place)) throw new SyscallError("mkdirat", EEXIST, path);
}

const EEXIST = 17;

function isThere(root: Fd, path: string): boolean {
  try {
    using _place = openPlace(root, path);
    return true;
  } catch (error) {
    if (failedWith(error, "ENOENT")) return false;
    throw error;
  }
}

function makeIn({ folder, name }: Entry, mode: number): void {
  mkdirAt(folder, name, mode & 0o777);
  // A program inside may have put another folder there by now; it could give that the mode itself.
  using made = openAt(folder, name, FOLDER);
  chmodFd(made, mode);
}

/** How deep a tree may be that is removed: each level takes an fd of this program. */
const DEEPEST = 256;
/** After so many entries the event loop gets a turn. */
const TURN_AFTER = 512;

/**
 * Removes a file or an empty folder, or with `recursive` a folder with all in it. No link is
 * followed.
 *
 * @throws {SyscallError} ENAMETOOLONG for a tree that is deeper than 256 folders
 */
export async function removeEntry(entry: Entry, path: string, recursive: boolean): Promise<void> {
  if (unlinked(entry.folder, entry.name)) return;
  if (recursive) {
    using folder = openAt(entry.folder, entry.name, FOLDER);
    requireStore(folder, path);
    await new Emptying(path).run(folder, 1);
  }
  unlinkAt(entry.folder, entry.name, AT_REMOVEDIR);
}

/** Whether it was no folder, and is gone. */
function unlinked(folder: Fd, name: PathBytes): boolean {
  try {
    unlinkAt(folder, name);
    return true;
  } catch (error) {
    if (failedWith(error, "EISDIR")) return false;
    throw error;
  }
}

class Emptying {
  readonly #path: string;
  #count = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** What others make in it meanwhile stays, and then the folder can't be removed. */
  async run(folder: Fd, depth: number): Promise<void> {
    if (depth > DEEPEST) throw new SyscallError("unlinkat", ENAMETOOLONG, this.#path);
    for (const name of entries(folder)) {
      if (++this.#count % TURN_AFTER === 0) await turn();
      try {
        if (unlinked(folder, name)) continue;
        {
          using below = openAt(folder, name, FOLDER);
          await this.run(below, depth + 1);
        }
        unlinkAt(folder, name, AT_REMOVEDIR);
      } catch (error) {
        if (!failedWith(error, "ENOENT")) throw error; // somebody inside was first
      }
    }
  }
}

const ENAMETOOLONG = 36;
