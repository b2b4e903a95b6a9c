/**
 * Files and folders between the host and a sandbox.
 *
 * What comes out of a sandbox may be hostile: on the host each file is made by its name alone in an
 * open folder, no link is followed, none is made that leads out of what is downloaded, and the
 * amount is bounded.
 *
 * @module
 */

import { failedWith, SyscallError } from "../../../ffi/c/errno.ts";
import { mkdirAt, symlinkAt } from "../../../ffi/files/entries.ts";
import {
  AT_FDCWD,
  type Fd,
  type Folder,
  O_CREAT,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  O_WRONLY,
  openAt,
} from "../../../ffi/files/file.ts";
import { S_IFMT, S_IFREG, statAt } from "../../../ffi/files/file_status.ts";
import { ContainerError } from "../../errors.ts";
import type { DirEntry, FileInfo, MkdirOptions, WriteFileOptions } from "./file_types.ts";
import type { FsFile } from "./fs_file.ts";
import { byOwnPath, ownPath } from "./reopened.ts";

/** What a download may take. */
export interface DownloadOptions {
  /** How many bytes all files may have together; default 4 GiB. A file can look longer than it is. */
  readonly maxBytes?: number | undefined;
  /**
   * Called for each link, fifo, socket or device that is left out, and for what is not found again:
   * it was removed meanwhile, or its name is no UTF-8.
   */
  readonly onLeftOut?: ((path: string) => void) | undefined;
}

/** The calls on the sandbox's files that a transfer takes. */
export interface TransferFs {
  open(path: string): Promise<FsFile>;
  lstat(path: string): Promise<FileInfo>;
  stat(path: string): Promise<FileInfo>;
  readDir(path: string): AsyncIterable<DirEntry>;
  readLink(path: string): Promise<string>;
  mkdir(path: string, options: MkdirOptions): Promise<void>;
  symlink(target: string, path: string): Promise<void>;
  remove(path: string): Promise<void>;
  writeFile(
    path: string,
    data: ReadableStream<Uint8Array>,
    options: WriteFileOptions,
  ): Promise<void>;
}

const DEEPEST = 256;
const MAX_BYTES = 4 * 1024 ** 3;
/** A program inside that swaps folders for links could have one downloaded again and again. */
const MOST_ENTRIES = 1 << 20;
/** What a name gives that nothing has, or something of another kind by now. */
const NOT_THERE: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "ELOOP", "EINVAL", "EISDIR"]);
const [ENAMETOOLONG, EFBIG, EINVAL] = [36, 27, 22];

/** The last name of a path. */
function nameOf(path: string): string {
  return path.split("/").filter((name) => name !== "" && name !== ".").at(-1) ?? "";
}

/** Uploads a file to a path, or a folder with all in it into one, by its own name. */
export async function uploadTo(fs: TransferFs, local: string, path: string): Promise<void> {
  const real = await Deno.realPath(local);
  const { isDirectory, mode } = await Deno.stat(real);
  if (!isDirectory) return await uploadFile(fs, real, path, mode);
  await uploadFolder(fs, real, `${path}/${nameOf(real)}`, mode);
}

async function uploadFile(
  fs: TransferFs,
  local: string,
  path: string,
  mode: number | null,
): Promise<void> {
  const { readable } = await Deno.open(local);
  try {
    await fs.writeFile(path, readable, { mode: (mode ?? 0o644) & 0o777 });
  } finally {
    if (!readable.locked) await readable.cancel(); // nothing was read
  }
}

async function uploadFolder(
  fs: TransferFs,
  local: string,
  path: string,
  mode: number | null,
): Promise<void> {
  await fs.mkdir(path, { recursive: true, mode: (mode ?? 0o755) & 0o777 | 0o700 });
  for await (const { name } of Deno.readDir(local)) {
    const [from, to] = [`${local}/${name}`, `${path}/${name}`];
    const info = await Deno.lstat(from);
    if (info.isDirectory) await uploadFolder(fs, from, to, info.mode);
    else if (info.isSymlink) await fs.symlink(await Deno.readLink(from), to);
    else if (info.isFile) await uploadFile(fs, from, to, info.mode);
  }
}

/** Downloads a file to a path, or a folder with all in it into one, by its own name. */
export async function downloadTo(
  fs: TransferFs,
  path: string,
  local: string,
  options: DownloadOptions,
): Promise<void> {
  const download = new Download(fs, options);
  if (!(await fs.stat(path)).isDirectory) return await download.file(path, AT_FDCWD, local);
  const name = nameOf(path);
  if (name === "" || name === "..") throw new SyscallError("download", EINVAL, path);
  await Deno.mkdir(local, { recursive: true });
  using folder = openAt(AT_FDCWD, local, O_RDONLY | O_DIRECTORY);
  await download.folder(path, folder, name, 0);
}

class Download {
  readonly #fs: TransferFs;
  readonly #leaveOut: (path: string) => void;
  #left: number;
  #entries = 0;

  constructor(fs: TransferFs, { maxBytes = MAX_BYTES, onLeftOut }: DownloadOptions) {
    this.#fs = fs;
    this.#left = maxBytes;
    this.#leaveOut = onLeftOut ?? (() => {});
  }

  async folder(path: string, parent: Fd, name: string, depth: number): Promise<void> {
    if (depth > DEEPEST) throw new SyscallError("mkdirat", ENAMETOOLONG, path);
    const listed = await this.#ifThere(path, () => Array.fromAsync(this.#fs.readDir(path)));
    if (listed === undefined) return;
    try {
      mkdirAt(parent, name, 0o777);
    } catch (error) {
      if (!failedWith(error, "EEXIST")) throw error;
    }
    using folder = openAt(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    for (const entry of listed) {
      if (++this.#entries > MOST_ENTRIES) throw new SyscallError("openat", EFBIG, path);
      const from = `${path}/${entry.name}`;
      if (entry.isDirectory) await this.folder(from, folder, entry.name, depth + 1);
      else if (entry.isFile) await this.#entry(from, folder, entry.name);
      else if (entry.isSymlink) await this.#link(from, folder, entry.name, depth);
      else this.#leaveOut(from);
    }
  }

  /** What a call on the sandbox gives; undefined, and left out, for what is not there. */
  async #ifThere<Result>(path: string, call: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof ContainerError && NOT_THERE.has(error.errno ?? ""))) throw error;
      this.#leaveOut(path);
      return undefined;
    }
  }

  async #entry(path: string, folder: Fd, name: string): Promise<void> {
    await using source = await this.#ifThere(path, () => this.#fs.open(path));
    if (source !== undefined) await this.#copy(source, path, folder, name);
  }

  async file(path: string, folder: Folder, name: string): Promise<void> {
    await using source = await this.#fs.open(path);
    await this.#copy(source, path, folder, name);
  }

  async #copy(source: FsFile, path: string, folder: Folder, name: string): Promise<void> {
    const { mode } = await source.stat();
    // In the folder of what is downloaded a link may stand at the name, which the sandbox chose.
    const follow = folder === AT_FDCWD ? 0 : O_NOFOLLOW;
    const flags = O_WRONLY | O_CREAT | O_NONBLOCK | follow;
    using place = openAt(folder, name, flags, mode & 0o777);
    if ((statAt(place, "").mode & S_IFMT) !== S_IFREG) throw new SyscallError("open", EINVAL, name);
    await byOwnPath("write", name, async () => {
      using target = await Deno.open(ownPath(place), { write: true });
      await target.truncate();
      const piece = new Uint8Array(256 * 1024);
      for (let size = await source.read(piece); size !== null; size = await source.read(piece)) {
        this.#left -= size;
        if (this.#left < 0) throw new SyscallError("write", EFBIG, path);
        for (let done = 0; done < size;) done += await target.write(piece.subarray(done, size));
      }
    });
  }

  async #link(path: string, folder: Fd, name: string, depth: number): Promise<void> {
    const target = await this.#ifThere(path, () => this.#fs.readLink(path));
    if (target === undefined) return;
    if (!staysWithin(target, depth)) return this.#leaveOut(path);
    try {
      symlinkAt(target, folder, name);
    } catch (error) {
      if (!failedWith(error, "EEXIST")) throw error;
      this.#leaveOut(path);
    }
  }
}

/**
 * Whether a link in a folder of this depth leads to what is downloaded. Only its beginning may step
 * up: behind a name, which may be another link's, nobody knows where that leads.
 */
export function staysWithin(target: string, depth: number): boolean {
  if (target === "" || target.startsWith("/")) return false;
  const names = target.split("/").filter((name) => name !== "" && name !== ".");
  const down = names.findIndex((name) => name !== "..");
  const ups = down < 0 ? names.length : down;
  return ups <= depth && !names.slice(ups).includes("..");
}
