/**
 * The file system of a sandbox, from outside.
 *
 * @module
 */

import { chownAt, linkFd, readLinkAt, renameAt, symlinkAt } from "../../../ffi/files/entries.ts";
import { AT_EMPTY_PATH } from "../../../ffi/files/file.ts";
import { randomHex } from "../../../ffi/c/random.ts";
import { SyscallError } from "../../../ffi/c/errno.ts";
import { ContainerError } from "../../errors.ts";
import { FsAccess, type FsHost } from "./access.ts";
import { copyContent, readWhole, writeChunks } from "./contents.ts";
import type {
  DirEntry,
  FileInfo,
  MakeTempOptions,
  MkdirOptions,
  OpenOptions,
  ReadFileOptions,
  RemoveOptions,
  WalkEntry,
  WalkOptions,
  WriteFileOptions,
} from "./file_types.ts";
import { listFolder, makeFolder, openFolder, removeEntry } from "./folders.ts";
import { fileInfo, FsFile } from "./fs_file.ts";
import { failure, pathOf } from "./paths.ts";
import { isLink, openEntry, openPlace, requireStore, statusOf } from "./place.ts";
import { byOwnPath, openFile, ownPath } from "./reopened.ts";
import { type DownloadOptions, downloadTo, uploadTo } from "./transfer.ts";
import { walkTree } from "./walk.ts";

/**
 * The files of a sandbox. The calls are those of Deno's own file system; relative paths start from
 * the sandbox's home, /home/app.
 *
 * Nothing inside can lead a call out of the sandbox: links are followed below its root. Only
 * ordinary files are opened; a fifo, a device or a file of /proc is refused as `Unsupported`.
 * Whatever fails is a {@linkcode ContainerError} with the system call, the errno and the path.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Sandbox } from "@hull/hull";
 *
 * await using sandbox = await Sandbox.create();
 * await sandbox.fs.writeTextFile("notes.txt", "hello\n");
 * assertEquals(await sandbox.sh`cat notes.txt`.text(), "hello\n");
 * ```
 */
export class SandboxFs {
  readonly #access: FsAccess;

  /** @ignore made by a Sandbox */
  constructor(host: FsHost) {
    this.#access = new FsAccess(host);
  }

  /** Reads a file; one of more than 512 MiB is refused with EFBIG. */
  async readFile(
    path: string | URL,
    options: ReadFileOptions = {},
  ): Promise<Uint8Array<ArrayBuffer>> {
    return await this.#access.do("read", path, async (root, at) => {
      using file = await openFile(root, at, { read: true }, 0);
      return await byOwnPath("read", at, () => readWhole(file, at, options.signal));
    });
  }

  /** Reads a file as UTF-8. */
  async readTextFile(path: string | URL, options: ReadFileOptions = {}): Promise<string> {
    return new TextDecoder().decode(await this.readFile(path, options));
  }

  /** Writes a file; by default it is made, or what was in it is replaced. */
  async writeFile(
    path: string | URL,
    data: Uint8Array | ReadableStream<Uint8Array>,
    options: WriteFileOptions = {},
  ): Promise<void> {
    const { append = false, create = true, createNew = false, mode, signal } = options;
    await this.#access.do("write", path, async (root, at) => {
      signal?.throwIfAborted();
      const how = { write: true, append, truncate: !append, create, createNew, mode };
      using file = await openFile(root, at, how, this.#access.host.umask());
      await byOwnPath("write", at, () => writeChunks(file, data, signal));
    });
  }

  /** Writes a text as UTF-8. */
  async writeTextFile(
    path: string | URL,
    data: string | ReadableStream<string>,
    options: WriteFileOptions = {},
  ): Promise<void> {
    const bytes = typeof data === "string"
      ? new TextEncoder().encode(data)
      : data.pipeThrough(new TextEncoderStream());
    await this.writeFile(path, bytes, options);
  }

  /** What is in a folder, in no order. */
  async *readDir(path: string | URL): AsyncGenerator<DirEntry, void, void> {
    yield* await this.#access.do("readDir", path, async (root, at) => {
      using folder = openFolder(root, at);
      return await listFolder(folder, at);
    });
  }

  /** Makes a folder. */
  async mkdir(path: string | URL, options: MkdirOptions = {}): Promise<void> {
    const { recursive = false, mode = 0o777 } = options;
    await this.#access.do("mkdir", path, (root, at) => {
      makeFolder(root, at, mode & ~this.#access.host.umask(), recursive);
    });
  }

  /** Removes a file, a link or an empty folder; with `recursive` a folder with all in it. */
  async remove(path: string | URL, options: RemoveOptions = {}): Promise<void> {
    await this.#access.do("remove", path, async (root, at) => {
      using entry = openEntry(root, at);
      await removeEntry(entry, at, options.recursive ?? false);
    });
  }

  /** Gives a file another name, in place of what had that name. */
  async rename(oldPath: string | URL, newPath: string | URL): Promise<void> {
    await this.#access.do("rename", oldPath, (root, at) => {
      using from = openEntry(root, at);
      using to = openEntry(root, this.#access.absolute(newPath));
      renameAt(from.folder, from.name, to.folder, to.name);
    });
  }

  /** Copies a file, with its permissions. */
  async copyFile(fromPath: string | URL, toPath: string | URL): Promise<void> {
    await this.#access.do("copy", fromPath, async (root, at) => {
      const to = this.#access.absolute(toPath);
      using source = await openFile(root, at, { read: true }, 0);
      const { mode } = await source.stat();
      const how = { write: true, truncate: true, create: true, mode: (mode ?? 0o666) & 0o777 };
      using target = await openFile(root, to, how, 0);
      await byOwnPath("write", to, () => copyContent(source, target));
    });
  }

  /** What a path leads to. */
  async stat(path: string | URL): Promise<FileInfo> {
    return await this.#access.look(path, true);
  }

  /** The same, of a link itself. */
  async lstat(path: string | URL): Promise<FileInfo> {
    return await this.#access.look(path, false);
  }

  /** Sets the permissions. */
  async chmod(path: string | URL, mode: number): Promise<void> {
    await this.#access.onPlace("chmod", path, (own) => Deno.chmod(own, mode));
  }

  /** Sets the owner and the group, by numbers as the host has them; null leaves one as it is. */
  async chown(path: string | URL, uid: number | null, gid: number | null): Promise<void> {
    await this.#access.do("chown", path, (root, at) => {
      using place = openPlace(root, at);
      requireStore(place, at);
      chownAt(place, "", uid ?? UNCHANGED, gid ?? UNCHANGED, AT_EMPTY_PATH);
    });
  }

  /** Sets when a file was read and changed last; numbers are seconds since 1970. */
  async utime(path: string | URL, atime: number | Date, mtime: number | Date): Promise<void> {
    await this.#access.onPlace("utimensat", path, (own) => Deno.utime(own, atime, mtime));
  }

  /** Makes a file so long. */
  async truncate(path: string | URL, length = 0): Promise<void> {
    await this.#access.do("truncate", path, async (root, at) => {
      using file = await openFile(root, at, { write: true }, 0);
      await byOwnPath("ftruncate", at, () => file.truncate(length));
    });
  }

  /** Gives a file a further name. */
  async link(target: string | URL, path: string | URL): Promise<void> {
    await this.#access.do("link", target, (root, at) => {
      using place = openPlace(root, at, false);
      using entry = openEntry(root, this.#access.absolute(path));
      linkFd(place, entry.folder, entry.name);
    });
  }

  /** Makes a symbolic link; what it leads to is resolved inside the sandbox. */
  async symlink(
    target: string | URL,
    path: string | URL,
    _options?: { readonly type?: "file" | "dir" | "junction" },
  ): Promise<void> {
    await this.#access.do("symlink", path, (root, at) => {
      using entry = openEntry(root, at);
      symlinkAt(target instanceof URL ? pathOf(target) : target, entry.folder, entry.name);
    });
  }

  /** Where a link leads. */
  async readLink(path: string | URL): Promise<string> {
    return await this.#access.do("readlink", path, (root, at) => {
      using place = openPlace(root, at, false);
      if (!isLink(place)) throw new SyscallError("readlink", EINVAL, at);
      return readLinkAt(place, "");
    });
  }

  /** The path without links to what a path leads to. */
  async realPath(path: string | URL): Promise<string> {
    return await this.#access.do("realpath", path, (root, at) => {
      using place = openPlace(root, at);
      const real = Deno.readLinkSync(ownPath(place));
      using again = openPlace(root, real, false);
      if (statusOf(again).inode !== statusOf(place).inode) {
        throw new SyscallError("realpath", ENOENT, at); // it was moved or removed meanwhile
      }
      return real;
    });
  }

  /** Goes through a folder and all below it. */
  async *walk(
    path: string | URL,
    options: WalkOptions = {},
  ): AsyncGenerator<WalkEntry, void, void> {
    const look = async (at: string, follow: boolean) => {
      using root = this.#access.host.openRoot();
      using place = openPlace(root, this.#access.absolute(at), follow);
      return fileInfo(await Deno.stat(ownPath(place)));
    };
    const list = async (at: string) => {
      using root = this.#access.host.openRoot();
      using folder = openFolder(root, this.#access.absolute(at));
      return await listFolder(folder, at);
    };
    const top = path instanceof URL ? pathOf(path) : path;
    try {
      yield* walkTree(top, options, { look, list });
    } catch (error) {
      throw failure("walk", top, error);
    }
  }

  /**
   * Uploads a file of this host to a path, or a folder with all in it into one, by its own name.
   * Links are made as they are; they are resolved inside.
   *
   * @throws {Deno.errors.NotFound} and the like for what can't be read on the host
   */
  async upload(localPath: string | URL, sandboxPath: string | URL): Promise<void> {
    const [local, path] = [localPath, sandboxPath].map((each) =>
      each instanceof URL ? pathOf(each) : each
    ) as [string, string];
    await uploadTo(this, local, path);
  }

  /**
   * Downloads a file to a path of this host, or a folder with all in it into one, by its own name.
   * Links that lead out of the folder are left out, as is what is neither file nor folder. On the
   * host no link in the downloaded folder is followed.
   *
   * @throws {ContainerError} `SystemError` with EFBIG for more than `maxBytes`
   */
  async download(
    sandboxPath: string | URL,
    localPath: string | URL,
    options: DownloadOptions = {},
  ): Promise<void> {
    const local = localPath instanceof URL ? pathOf(localPath) : localPath;
    await this.#access.do("download", sandboxPath, async (_root, at) => {
      await downloadTo(this, at, local, options);
    });
  }

  /** Makes a file, or empties it, and opens it for reading and writing. */
  async create(path: string | URL): Promise<FsFile> {
    return await this.open(path, { read: true, write: true, create: true, truncate: true });
  }

  /** Opens a file; without options for reading. */
  async open(path: string | URL, options: OpenOptions = {}): Promise<FsFile> {
    return await this.#access.do("open", path, async (root, at) => {
      const { createNew = false, create = createNew } = options;
      const how = { ...options, create, createNew };
      return new FsFile(await openFile(root, at, how, this.#access.host.umask()));
    });
  }

  /** Makes a folder with a name that nothing has yet; gives its path. */
  async makeTempDir(options: MakeTempOptions = {}): Promise<string> {
    return await this.#makeTemp(options, (path) => this.mkdir(path, { mode: 0o700 }));
  }

  /** Makes an empty file with a name that nothing has yet; gives its path. */
  async makeTempFile(options: MakeTempOptions = {}): Promise<string> {
    const nothing = new Uint8Array();
    return await this.#makeTemp(
      options,
      (path) => this.writeFile(path, nothing, { createNew: true, mode: 0o600 }),
    );
  }

  /** Sets which permissions new files don't get, of `fs` alone; gives what it was before. */
  umask(mask?: number): Promise<number> {
    const before = this.#access.host.umask();
    if (mask !== undefined) this.#access.host.setUmask(mask & 0o777);
    return Promise.resolve(before);
  }

  async #makeTemp(options: MakeTempOptions, make: (path: string) => Promise<void>) {
    const { dir = "/tmp", prefix = "", suffix = "" } = options;
    for (;;) {
      const path = `${dir}/${prefix}${randomHex(8)}${suffix}`;
      try {
        await make(path);
        return path;
      } catch (error) {
        if (!(error instanceof ContainerError && error.errno === "EEXIST")) throw error;
      }
    }
  }
}

/** Leaves an owner as it is: chown(2). */
const UNCHANGED = 0xffffffff;
const [ENOENT, EINVAL] = [2, 22];
