/**
 * One call on a sandbox's files: its root is opened, its path made absolute, its failure told.
 *
 * @module
 */

import type { Fd } from "../../../ffi/files/file.ts";
import type { FileInfo } from "./file_types.ts";
import { fileInfo } from "./fs_file.ts";
import { absolutePath, failure } from "./paths.ts";
import { openPlace, requireStore } from "./place.ts";
import { byOwnPath, ownPath } from "./reopened.ts";

/** Where the file system is, and what its files are made with. */
export interface FsHost {
  /** The folder that relative paths start from. */
  readonly home: string;
  /** Opens the sandbox's root, as long as its first process lives. */
  openRoot(): Fd;
  /** What new files may not be: umask(2). */
  readonly umask: () => number;
  /** Changes it. */
  readonly setUmask: (mask: number) => void;
}

/** What the calls on files share. */
export class FsAccess {
  readonly host: FsHost;

  /** Opens nothing yet. */
  constructor(host: FsHost) {
    this.host = host;
  }

  /** What a path leads to, or a link itself. */
  async look(path: string | URL, follow: boolean): Promise<FileInfo> {
    return await this.do("stat", path, async (root, at) => {
      using place = openPlace(root, at, follow);
      return fileInfo(await byOwnPath("stat", at, () => Deno.stat(ownPath(place))));
    });
  }

  /** Has Deno do something with what a path leads to. */
  async onPlace(
    syscall: string,
    path: string | URL,
    act: (own: string) => Promise<void>,
  ): Promise<void> {
    await this.do(syscall, path, async (root, at) => {
      using place = openPlace(root, at);
      requireStore(place, at);
      await byOwnPath(syscall, at, () => act(ownPath(place)));
    });
  }

  /** Does something with the root and an absolute path; what fails is told with the path. */
  async do<Result>(
    verb: string,
    path: string | URL,
    act: (root: Fd, path: string) => Result | Promise<Result>,
  ): Promise<Result> {
    const at = this.absolute(path);
    try {
      using root = this.host.openRoot();
      return await act(root, at);
    } catch (error) {
      throw failure(verb, at, error);
    }
  }

  /** The path from the root. */
  absolute(path: string | URL): string {
    return absolutePath(path, this.host.home);
  }
}
