/**
 * Makes a place inside the container's root when its turn comes, after the mounts before it. The
 * path is walked part by part by fds, and no link leads out of the root. What is missing is made;
 * where a link leads to nothing, its target is made.
 *
 * @module
 */

import { EEXIST, ELOOP, ENOTDIR, failedWith, SyscallError } from "../../ffi/c/errno.ts";
import { type Fd, O_DIRECTORY, O_NOFOLLOW, O_PATH, openAt } from "../../ffi/files/file.ts";
import { readLinkAt } from "../../ffi/files/entries.ts";
import {
  fileSystemType,
  PROC_SUPER_MAGIC,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  statAt,
} from "../../ffi/files/file_status.ts";
import { MAX_LINKS, openAt2, pathNames, RESOLVE_NO_MAGICLINKS } from "../../ffi/files/path.ts";
import { SyscallProgram } from "../../ffi/program/program.ts";

const MODE = 0o755;
const PLACE = O_PATH | O_NOFOLLOW;

/**
 * Makes what is missing of a path.
 *
 * @param root the container's root
 * @param path as config.json has it
 * @param end what stands at its end, if it has to be made
 * @returns the path with all links resolved
 * @throws {SyscallError} ELOOP, ENOTDIR, EROFS, …
 */
export function makePlace(root: Fd, path: string, end: "directory" | "file"): string {
  using walk = new PlaceWalk(root, path);
  return walk.make(end);
}

class PlaceWalk implements Disposable {
  readonly #stack = new DisposableStack();
  readonly #root: Fd;
  readonly #path: string;
  /** The folders on the way, by fd and by name. */
  readonly #way: { readonly fd: Fd; readonly name: string }[] = [];
  /** What is missing behind them. */
  readonly #missing: string[] = [];

  constructor(root: Fd, path: string) {
    this.#root = root;
    this.#path = path;
  }

  make(end: "directory" | "file"): string {
    let rest = pathNames(this.#path);
    let links = 0;
    for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
      if (part === "..") this.#goUp();
      else if (this.#missing.length > 0) this.#missing.push(part);
      else {
        const target = this.#enter(part, rest.every((name) => name === ".."));
        if (target === undefined) continue;
        if (++links > MAX_LINKS) throw new SyscallError("openat2", ELOOP, this.#path);
        if (target.startsWith("/")) this.#way.length = 0;
        rest = [...pathNames(target), ...rest];
      }
    }
    this.#makeMissing(end);
    if (end === "directory" && !isFolder(this.#here)) {
      throw new SyscallError("openat2", ENOTDIR, this.#path);
    }
    return "/" + this.#way.map(({ name }) => name).join("/");
  }

  [Symbol.dispose](): void {
    this.#stack.dispose();
  }

  get #here(): Fd {
    return this.#way.at(-1)?.fd ?? this.#root;
  }

  /** What is missing has no links, so a `..` behind it cancels it, and it is not made. */
  #goUp(): void {
    if (this.#missing.length > 0) this.#missing.pop();
    else this.#way.pop();
  }

  /** Goes one step; gives where a link leads to. */
  #enter(name: string, mayBeFile: boolean): string | undefined {
    const here = this.#open(name);
    if (here === undefined) {
      this.#missing.push(name);
      return undefined;
    }
    const type = statAt(here, "").mode & S_IFMT;
    if (type === S_IFLNK) {
      if (fileSystemType(here) === PROC_SUPER_MAGIC) this.#refuseMagic(name);
      return readLinkAt(here, "");
    }
    // If it is no folder, the kernel says so. A folder that may not be entered can still be a
    // place.
    const fd = mayBeFile || type === S_IFDIR
      ? here
      : this.#stack.use(openAt(here, ".", PLACE | O_DIRECTORY));
    this.#way.push({ fd, name });
    return undefined;
  }

  /**
   * A link of /proc to a process's folder or open file reads as a path of the host. Following its
   * text would make folders of those names in the container's root. Only the kernel can tell such a
   * link from /proc/self.
   */
  #refuseMagic(name: string): void {
    try {
      using _end = openAt2(this.#here, name, O_PATH, RESOLVE_NO_MAGICLINKS);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      if (error.code === "ELOOP") throw new SyscallError("openat2", ELOOP, this.#path);
    }
  }

  #open(name: string): Fd | undefined {
    try {
      return this.#stack.use(openAt(this.#here, name, PLACE));
    } catch (error) {
      if (failedWith(error, "ENOENT")) return undefined;
      throw error;
    }
  }

  #makeMissing(end: "directory" | "file"): void {
    const names = this.#missing.splice(0);
    for (const [k, name] of names.entries()) {
      const isFile = end === "file" && k === names.length - 1;
      makeEntry(this.#here, name, isFile);
      const fd = this.#stack.use(
        isFile ? openAt(this.#here, name, PLACE) : openAt(this.#here, name, PLACE | O_DIRECTORY),
      );
      this.#way.push({ fd, name });
    }
  }
}

/**
 * Makes a folder or an empty file, with exactly its mode. If another process makes it first, that
 * one is used.
 */
function makeEntry(folder: Fd, name: string, isFile: boolean): void {
  const program = new SyscallProgram([
    { label: "mask", syscall: "umask", args: [0] },
    isFile
      ? { syscall: "mknodat", args: [folder.number, name, S_IFREG | MODE, 0], onError: "continue" }
      : { syscall: "mkdirat", args: [folder.number, name, MODE], onError: "continue" },
    { syscall: "umask", args: [{ result: "mask" }] },
  ]);
  program.run();
  const result = program.result(1);
  if (result < 0 && result !== -EEXIST) {
    throw new SyscallError(isFile ? "mknodat" : "mkdirat", -result, name);
  }
}

/** Whether an open file is a folder. */
export function isFolder(file: Fd): boolean {
  return (statAt(file, "").mode & S_IFMT) === S_IFDIR;
}
