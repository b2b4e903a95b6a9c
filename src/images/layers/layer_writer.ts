/**
 * Unpacks one layer: each entry of its archive becomes a file.
 *
 * Source: the OCI image-spec's layer.md, "Applying Changesets".
 *
 * @module
 */

import { failedWith, type SyscallError } from "../../../ffi/c/errno.ts";
import { chmodFd, chownAt, linkAt, mknodAt, symlinkAt } from "../../../ffi/files/entries.ts";
import {
  AT_EMPTY_PATH,
  AT_SYMLINK_NOFOLLOW,
  type Fd,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
  openAt,
  writeAll,
} from "../../../ffi/files/file.ts";
import { deviceNumber, S_IFBLK, S_IFCHR, S_IFIFO } from "../../../ffi/files/file_status.ts";
import { type FileTime, setTimes, setTimesAt } from "../../../ffi/files/times.ts";
import type { TarEntry } from "../archive/tar_reader.ts";
import { entryInvalid, shown } from "../archive/image_error.ts";
import { checkAttributes, setAttributes } from "./attributes.ts";
import { type DevicePolicy, isDeviceMade } from "./devices.ts";
import { checkTarget, type EntryPath, entryPath, whiteoutOf } from "./entry_path.ts";
import type { LayerFolder } from "./layer_folder.ts";
import type { OwnerOf } from "./owners.ts";

/** How files are made. */
export interface WriterOptions {
  /** Who owns each file. */
  readonly ownerOf: OwnerOf;
  readonly devices: DevicePolicy;
  /**
   * Bits that folders get beside theirs: who is not root must be able to remove what is in them
   * again.
   */
  readonly folderBits: number;
}

/** The next piece of an entry's content; undefined at its end. */
export type Content = () => Promise<Uint8Array<ArrayBuffer> | undefined>;

const SPECIAL: Readonly<Record<"block" | "char" | "fifo", number>> = {
  block: S_IFBLK,
  char: S_IFCHR,
  fifo: S_IFIFO,
};

/** Unpacks the entries of one layer, in their order. */
export class LayerWriter {
  readonly #folder: LayerFolder;
  readonly #options: WriterOptions;
  /** Folders get their mode and time at the end: files are made in them meanwhile. */
  readonly #folders = new Map<string, { path: EntryPath; mode: number; mtime: FileTime }>();
  #where: string | undefined;

  /** Begins a layer. */
  constructor(folder: LayerFolder, options: WriterOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  /**
   * Makes what an entry says.
   *
   * @throws {ContainerError} `ImageInvalid`
   * @throws {SyscallError}
   */
  async add(entry: TarEntry, content: Content): Promise<void> {
    this.#where = `the entry ${shown(entry.name)}`;
    await this.#add(entry, content);
    this.#where = `what follows ${this.#where}`;
  }

  async #add(entry: TarEntry, content: Content): Promise<void> {
    const path = entryPath(entry.name);
    const whiteout = whiteoutOf(entry.name, path);
    if (whiteout !== undefined) return this.#takeAway(path.slice(0, -1), whiteout);
    checkAttributes(entry.name, entry.attributes);
    this.#requireFolder(entry, path);
    try {
      await this.#make(entry, path, content);
    } catch (error) {
      if (!isOfName(error)) throw error;
      throw entryInvalid(entry.name, `can't be made: ${error.message}`);
    }
  }

  /** Whether the layer has an entry for the root itself, after {@linkcode finish}. */
  get hasRoot(): boolean {
    return this.#folders.has("");
  }

  /** What it is about at this moment, for errors; undefined before the first entry and at the end. */
  get where(): string | undefined {
    return this.#where;
  }

  /** Gives the folders their modes and times. */
  finish(): void {
    for (const { path, mode, mtime } of [...this.#folders.values()].reverse()) {
      this.#where = `the entry ${shown(path.join("/"))}`;
      using folder = openAt(this.#folder.open(path), ".", O_RDONLY | O_DIRECTORY);
      chmodFd(folder, mode);
      setTimes(folder, mtime);
    }
    this.#where = undefined;
  }

  #takeAway(folder: EntryPath, whiteout: NonNullable<ReturnType<typeof whiteoutOf>>): void {
    if (whiteout.kind === "opaque") this.#folder.makeOpaque(folder);
    else if (whiteout.kind === "removed") this.#folder.takeAway([...folder, whiteout.name]);
  }

  /**
   * Some archives have a path twice: then the last one counts, as for Podman and Docker. But what a
   * layer has put into a folder does not go again.
   */
  #requireFolder({ name, kind }: TarEntry, path: EntryPath): void {
    if (kind === "dir" || this.#folder.madeAt(path) !== "dir") return;
    throw entryInvalid(
      name,
      path.length === 0 ? "is the root, but no folder" : "is a folder of the same layer, too",
    );
  }

  async #make(entry: TarEntry, path: EntryPath, content: Content): Promise<void> {
    const { name, kind } = entry;
    if (kind === "dir") return this.#makeFolder(entry, path);
    if (kind === "symlink") checkTarget(name, path, entry.target);
    if (kind === "char" || kind === "block") {
      if (!isDeviceMade(entry, this.#options.devices)) return;
    }
    const from = kind === "link" ? this.#linked(entry, path) : [];
    const last = path.at(-1) as string;
    const folder = this.#folder.clear(path);
    if (kind === "file") await this.#makeFile(entry, folder, last, content);
    else if (kind === "link") this.#link(from, path);
    else if (kind === "symlink") this.#makeSymlink(entry, folder, last);
    else if (!this.#makeSpecial(entry, kind, folder, last)) return;
    this.#folder.note(path, "other");
  }

  #makeFolder(entry: TarEntry, path: EntryPath): void {
    this.#folder.makeFolder(path);
    using folder = openAt(this.#folder.open(path), ".", O_RDONLY | O_DIRECTORY);
    this.#own(entry, folder);
    setAttributes(folder, entry.attributes);
    const mode = entry.mode | this.#options.folderBits;
    this.#folders.set(path.join("/"), { path, mode, mtime: entry.mtime });
  }

  async #makeFile(entry: TarEntry, folder: Fd, name: string, content: Content): Promise<void> {
    using file = openAt(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    for (let piece = await content(); piece !== undefined; piece = await content()) {
      writeAll(file, piece);
    }
    // A change of the owner takes setuid bits and capabilities away.
    this.#own(entry, file);
    setAttributes(file, entry.attributes);
    chmodFd(file, entry.mode);
    setTimes(file, entry.mtime);
  }

  #makeSymlink(entry: TarEntry, folder: Fd, name: string): void {
    symlinkAt(entry.target, folder, name);
    const owner = this.#options.ownerOf(entry.name, entry);
    if (owner !== undefined) chownAt(folder, name, owner.uid, owner.gid, AT_SYMLINK_NOFOLLOW);
    setTimesAt(folder, name, entry.mtime);
  }

  /** A fifo or a device; false if hull may not make it. It is never opened but as a place. */
  #makeSpecial(
    entry: TarEntry,
    kind: "block" | "char" | "fifo",
    folder: Fd,
    name: string,
  ): boolean {
    const device = kind === "fifo" ? 0n : deviceNumber(entry.deviceMajor, entry.deviceMinor);
    try {
      mknodAt(folder, name, SPECIAL[kind] | 0o600, device);
    } catch (error) {
      if (kind !== "fifo" && failedWith(error, "EPERM")) return false;
      throw error;
    }
    using place = openAt(folder, name, O_PATH | O_NOFOLLOW);
    this.#own(entry, place);
    Deno.chmodSync(`/proc/self/fd/${place.number}`, entry.mode);
    setTimesAt(folder, name, entry.mtime);
    return true;
  }

  /** What a hard link leads to: a file of the same layer. */
  #linked({ name, target }: TarEntry, path: EntryPath): EntryPath {
    const from = entryPath(target, `is what ${shown(name)} is a hard link to, and`);
    if (this.#folder.madeAt(from) !== "other" || from.join("/") === path.join("/")) {
      throw entryInvalid(name, "is a hard link to what its layer has not, or not yet, as a file");
    }
    return from;
  }

  #link(from: EntryPath, path: EntryPath): void {
    using place = openAt(this.#folder.folderOf(from), ".", O_PATH | O_DIRECTORY);
    linkAt(place, from.at(-1) as string, this.#folder.folderOf(path), path.at(-1) as string);
  }

  #own(entry: TarEntry, file: Fd): void {
    const owner = this.#options.ownerOf(entry.name, entry);
    if (owner !== undefined) chownAt(file, "", owner.uid, owner.gid, AT_EMPTY_PATH);
  }
}

/** Whether a call failed because of what the entry is called. */
function isOfName(error: unknown): error is SyscallError {
  return failedWith(error, "ENAMETOOLONG", "EMLINK", "ELOOP", "ENOTDIR", "EISDIR");
}
