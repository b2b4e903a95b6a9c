/**
 * Copies a folder's content into a new file system, by fd all the way: no name is walked twice, no
 * link is followed, and nothing but a regular file is ever opened to be read. Other processes that
 * can write to the folder may exchange a file for a device or a fifo at any moment.
 *
 * @module
 */

import { errnoNumber, failedWith, SyscallError } from "../../ffi/c/errno.ts";
import {
  AT_EMPTY_PATH,
  AT_SYMLINK_NOFOLLOW,
  type Fd,
  O_DIRECTORY,
  O_NOCTTY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  open,
  openAt,
} from "../../ffi/files/file.ts";
import {
  chmodFd,
  chownAt,
  mkdirAt,
  mknodAt,
  readLinkBytes,
  symlinkAt,
} from "../../ffi/files/entries.ts";
import { copyAttributes, linkFile, nextPiece, setSize } from "../../ffi/program/copy.ts";
import {
  deviceNumber,
  type FileStatus,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  statAt,
} from "../../ffi/files/file_status.ts";
import { entries } from "../../ffi/files/folder.ts";
import { Copier } from "./copier.ts";

/** A file's name as the kernel gives it. */
type Name = Uint8Array<ArrayBuffer>;

const PERMISSIONS = 0o7777;

/**
 * Copies what `from` holds into `to`, with owners, modes, extended attributes, links and devices.
 * Holes stay holes, and a file with two names has two names in the copy.
 *
 * @param doors the files of the cgroups, by fd, that the copied bytes are charged to
 * @param place what `from` is called, for an error
 * @throws {SyscallError} at the first file that can't be copied, with its path
 */
export function copyUp(from: Fd, to: Fd, doors: readonly number[] = [], place = "/"): void {
  using copier = new Copier(doors);
  using walk = new Walk(from, to, copier);
  walk.run(place);
}

/** A folder on the way down, with the part of it that has still to be copied. */
interface Level {
  readonly name: Name;
  readonly status: FileStatus;
  /** The status of its copy. */
  readonly made: FileStatus;
  readonly rest: Name[];
}

/**
 * A walk that holds two fds at any depth. It goes up again by `..`, and checks that it has come
 * back to where it came from.
 */
class Walk implements Disposable {
  readonly #top: Fd;
  readonly #copier: Copier;
  readonly #levels: Level[] = [];
  /** Where the first name of a file with several names was copied to. */
  readonly #linked = new Map<string, readonly Name[]>();
  #source: Fd;
  #target: Fd;

  constructor(from: Fd, to: Fd, copier: Copier) {
    this.#top = to;
    this.#copier = copier;
    this.#source = openAt(from, ".", O_RDONLY | O_DIRECTORY);
    this.#target = openAt(to, ".", O_RDONLY | O_DIRECTORY);
    this.#descend(new Uint8Array(1));
  }

  run(place: string): void {
    for (let level = this.#levels.at(-1); level !== undefined; level = this.#levels.at(-1)) {
      const name = level.rest.pop();
      try {
        if (name !== undefined) this.#copyEntry(name);
        else if (this.#levels.length === 1) return;
        else this.#ascend();
      } catch (error) {
        throw located(error, place, name === undefined ? this.#way() : [...this.#way(), name]);
      }
    }
  }

  [Symbol.dispose](): void {
    this.#source.close();
    this.#target.close();
  }

  #copyEntry(name: Name): void {
    using file = openIfThere(this.#source, name);
    if (file === undefined) return; // removed meanwhile
    const status = statAt(file, "");
    if ((status.mode & S_IFMT) === S_IFDIR) {
      mkdirAt(this.#target, name, 0o700);
      const source = openAt(file, ".", O_RDONLY | O_DIRECTORY);
      this.#source.close();
      this.#source = source;
      const target = openAt(this.#target, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      this.#target.close();
      this.#target = target;
      this.#descend(name);
    } else if ((status.mode & S_IFMT) === S_IFREG) this.#copyFile(file, name, status);
    else {
      copyNode(file, this.#target, name, status);
      chownAt(this.#target, name, status.uid, status.gid, AT_SYMLINK_NOFOLLOW);
    }
  }

  #descend(name: Name): void {
    const [status, made] = [statAt(this.#source, ""), statAt(this.#target, "")];
    this.#levels.push({ name, status, made, rest: entries(this.#source) });
  }

  #ascend(): void {
    const { status } = this.#levels.pop() as Level;
    const above = this.#levels.at(-1) as Level;
    chownAt(this.#target, "", status.uid, status.gid, AT_EMPTY_PATH);
    copyAttributes(this.#source, this.#target);
    chmodFd(this.#target, status.mode & PERMISSIONS);
    this.#source = goUp(this.#source, above.status);
    this.#target = goUp(this.#target, above.made);
  }

  #copyFile(file: Fd, name: Name, status: FileStatus): void {
    const key = `${status.fileSystem}:${status.inode}`;
    const first = this.#linked.get(key);
    if (first !== undefined) return this.#link(first, name);
    // This opens the inode that was looked at: no change of names can exchange it any more.
    using source = open(`/proc/self/fd/${file.number}`, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    // It is never opened for writing in this program: a child that another thread makes would have
    // that fd too, and would keep the kernel from making the mount read-only.
    mknodAt(this.#target, name, S_IFREG | 0o600, 0n);
    using target = openAt(this.#target, name, O_RDONLY | O_NOFOLLOW);
    const { size } = status;
    for (let at = nextPiece(source, 0, size); at; at = nextPiece(source, at.end, size)) {
      this.#copier.copy(source, target, at);
    }
    if (size > 0) setSize(target, size);
    chownAt(target, "", status.uid, status.gid, AT_EMPTY_PATH);
    copyAttributes(source, target);
    chmodFd(target, status.mode & PERMISSIONS);
    if (status.links > 1) this.#linked.set(key, [...this.#way(), name]);
  }

  /** Where the walk is, below its top. */
  #way(): Name[] {
    return this.#levels.slice(1).map((level) => level.name);
  }

  #link(first: readonly Name[], name: Name): void {
    let here = openAt(this.#top, ".", O_PATH | O_DIRECTORY);
    for (const part of first) {
      using above = here;
      here = openAt(above, part, O_PATH | O_NOFOLLOW);
    }
    using file = here;
    linkFile(file, this.#target, name);
  }
}

/**
 * A call's error, with the path of the file that could not be copied: calls only know a name, or
 * none.
 */
function located(error: unknown, place: string, names: readonly Name[]): unknown {
  if (!(error instanceof SyscallError)) return error;
  const decoder = new TextDecoder();
  const below = names.map((name) => decoder.decode(name).replace(/\0$/, ""));
  const path = [place === "/" ? "" : place, ...below].join("/");
  return new SyscallError(error.syscall, error.errno, path === "" ? "/" : path);
}

/** Opens a file as a mere place; undefined if it is gone. */
function openIfThere(folder: Fd, name: Name): Fd | undefined {
  try {
    return openAt(folder, name, O_PATH | O_NOFOLLOW);
  } catch (error) {
    if (failedWith(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** The folder above, which must be the one that it was: somebody may have moved this one. */
function goUp(folder: Fd, expected: FileStatus): Fd {
  using here = folder;
  const above = openAt(here, "..", O_RDONLY | O_DIRECTORY);
  const { inode, fileSystem } = statAt(above, "");
  if (inode === expected.inode && fileSystem === expected.fileSystem) return above;
  above.close();
  throw new SyscallError("openat", errnoNumber("ESTALE"), "..");
}

function copyNode(file: Fd, to: Fd, name: Name, status: FileStatus): void {
  if ((status.mode & S_IFMT) === S_IFLNK) return symlinkAt(readLinkBytes(file, ""), to, name);
  mknodAt(to, name, status.mode, deviceNumber(status.deviceMajor, status.deviceMinor));
}
