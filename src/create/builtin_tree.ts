/**
 * The files of the built-in root as they are gathered: each at the place to which the links among
 * them lead, with the folders that it takes.
 *
 * @module
 */

import type { BuiltinFile } from "./builtin_files.ts";

/** As the kernel: path_resolution(7). */
const MAX_LINKS = 40;

/** Gathers files. */
export class FileTree {
  readonly #files = new Map<string, BuiltinFile>();

  /** All of them; a folder comes before what is in it. */
  get files(): BuiltinFile[] {
    return [...this.#files.values()];
  }

  /** What is at a path, to which no link leads. */
  at(path: string): BuiltinFile | undefined {
    return this.#files.get(path);
  }

  /**
   * Where a path leads by the links that are there. What is missing is taken for a folder.
   *
   * @param path absolute
   * @param follow whether a link at its end is followed
   */
  resolve(path: string, follow = false): string {
    let done = "";
    let links = 0;
    const left = path.split("/");
    while (left.length > 0) {
      const name = left.shift() as string;
      if (name === "" || name === ".") continue;
      if (name === "..") {
        done = done.slice(0, Math.max(0, done.lastIndexOf("/")));
        continue;
      }
      const entry = this.#files.get(`${done}/${name}`);
      const isFollowed = entry?.kind === "symlink" && (follow || left.length > 0);
      if (!isFollowed || ++links > MAX_LINKS) {
        done = `${done}/${name}`;
        continue;
      }
      if (entry.target.startsWith("/")) done = "";
      left.unshift(...entry.target.split("/"));
    }
    return done === "" ? "/" : done;
  }

  /**
   * Adds a file where its path leads, in place of what is there, and the folders that are missing.
   *
   * @returns what is wrong with the place, if anything; nothing is added then
   */
  add(file: BuiltinFile): string | undefined {
    const path = this.resolve(file.path);
    const old = this.#files.get(path);
    if (path === "/" || (old?.kind === "dir" && file.kind !== "dir")) return "is a folder there";
    const parents = path.split("/").slice(1, -1)
      .map((_, k, names) => `/${names.slice(0, k + 1).join("/")}`);
    const blocking = parents.find((parent) => (this.#files.get(parent)?.kind ?? "dir") !== "dir");
    if (blocking !== undefined) return `lies below ${blocking}, which is no folder`;
    for (const parent of parents) {
      if (this.#files.has(parent)) continue;
      this.#files.set(parent, { path: parent, kind: "dir", mode: 0o755 });
    }
    this.#files.set(path, { ...file, path });
    return undefined;
  }
}
