/**
 * A folder in which a layer is unpacked. Whatever the layer holds, each call is made on the fd of
 * the folder that an entry is in, by a single name, and follows no link; new files are made where
 * there is none.
 *
 * @module
 */

import { failedWith } from "../../../ffi/c/errno.ts";
import { mkdirAt } from "../../../ffi/files/entries.ts";
import {
  type Fd,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  openAt,
} from "../../../ffi/files/file.ts";
import { S_IFDIR, S_IFMT, statAt } from "../../../ffi/files/file_status.ts";
import { duplicate } from "../../../ffi/files/descriptor.ts";
import { openBeneath } from "../../security/safe_path.ts";
import { entryInvalid, imageInvalid, shown } from "../archive/image_error.ts";
import type { EntryPath } from "./entry_path.ts";
import { namesIn, removeTree } from "./remove_tree.ts";

/** What a layer has made at a path. */
export type Made = "dir" | "other";

/** How many bytes the names of one layer may have together: they are held in memory. */
const MOST_NAME_BYTES = 128 * 1024 * 1024;

/** The folder, with what the layer has made in it so far. */
export class LayerFolder implements Disposable {
  readonly #root: Fd;
  readonly #made = new Map<string, Made>();
  #names = 0;
  /** The folder of the entry before: mostly the next one's as well. */
  #held: { readonly path: string; readonly fd: Fd } | undefined;

  /** Begins a layer. */
  constructor(root: Fd) {
    this.#root = root;
  }

  /** What this layer has made there. */
  madeAt(path: EntryPath): Made | undefined {
    return path.length === 0 ? "dir" : this.#made.get(path.join("/"));
  }

  /** Notes what this layer has made. */
  note(path: EntryPath, made: Made): void {
    const key = path.join("/");
    this.#names += key.length;
    if (this.#names > MOST_NAME_BYTES) throw entryInvalid(key, "is one of too many");
    this.#made.set(key, made);
  }

  /**
   * The folder that a path is in, made if it is missing. It is open until the next call.
   *
   * @throws {ContainerError} `ImageInvalid` if this layer has made something else in its place
   */
  folderOf(path: EntryPath): Fd {
    return this.open(path.slice(0, -1));
  }

  /** The folder at a path, likewise. */
  open(path: EntryPath): Fd {
    const key = path.join("/");
    if (this.#held?.path === key) return this.#held.fd;
    this.#letGo();
    const fd = path.length === 0 ? duplicate(this.#root) : this.#find(path) ?? this.#make(path);
    this.#held = { path: key, fd };
    for (let k = path.length; k > 0; k--) {
      const part = path.slice(0, k);
      if (this.madeAt(part) !== undefined) break;
      this.note(part, "dir");
    }
    return fd;
  }

  /**
   * Makes place for what an entry is: what a lower layer has there is removed.
   *
   * @returns the folder that it is to be made in
   */
  clear(path: EntryPath): Fd {
    const folder = this.folderOf(path);
    removeTree(folder, path.at(-1) as string);
    return folder;
  }

  /** Makes a folder, unless there is one. */
  makeFolder(path: EntryPath): void {
    if (path.length === 0) return;
    const folder = this.folderOf(path);
    const name = path.at(-1) as string;
    if (!tryMake(folder, name) && !isFolder(folder, name)) {
      removeTree(folder, name);
      mkdirAt(folder, name, 0o700);
    }
    this.note(path, "dir");
  }

  /** Takes away what lower layers have at a path. */
  takeAway(path: EntryPath): void {
    const made = this.madeAt(path);
    if (made === "dir") return this.makeOpaque(path);
    if (made === undefined) this.clear(path);
  }

  /** Takes away what lower layers have in a folder. */
  makeOpaque(path: EntryPath): void {
    using folder = openAt(this.open(path), ".", O_RDONLY | O_DIRECTORY);
    this.#removeOthers(folder, path);
  }

  /** Closes what is open. */
  [Symbol.dispose](): void {
    this.#letGo();
  }

  #letGo(): void {
    this.#held?.fd.close();
    this.#held = undefined;
  }

  #find(path: EntryPath): Fd | undefined {
    try {
      return openBeneath(this.#root, path.join("/"), O_PATH | O_DIRECTORY);
    } catch (error) {
      if (failedWith(error, "ENOENT", "ELOOP", "ENOTDIR")) return undefined;
      throw error;
    }
  }

  /** Makes what is missing on the way. A lower layer's link there gives way, as in an overlay. */
  #make(path: EntryPath): Fd {
    let here = duplicate(this.#root);
    for (const [k, name] of path.entries()) {
      using folder = here;
      const part = path.slice(0, k + 1);
      if (this.madeAt(part) === "other") {
        throw imageInvalid(`${shown(part.join("/"))} is no folder`);
      }
      if (!tryMake(folder, name, 0o755) && !isFolder(folder, name)) {
        removeTree(folder, name);
        mkdirAt(folder, name, 0o755);
      }
      here = openAt(folder, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
    }
    return here;
  }

  #removeOthers(folder: Fd, path: EntryPath): void {
    for (const name of namesIn(folder)) {
      const inside = [...path, name];
      const made = this.madeAt(inside);
      if (made === undefined) removeTree(folder, name);
      if (made !== "dir") continue;
      using deeper = openAt(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      this.#removeOthers(deeper, inside);
    }
  }
}

function tryMake(folder: Fd, name: string, mode = 0o700): boolean {
  try {
    mkdirAt(folder, name, mode);
    return true;
  } catch (error) {
    if (failedWith(error, "EEXIST")) return false;
    throw error;
  }
}

function isFolder(folder: Fd, name: string): boolean {
  return (statAt(folder, name).mode & S_IFMT) === S_IFDIR;
}
