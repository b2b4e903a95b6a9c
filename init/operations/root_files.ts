/**
 * The files of a root file system that hull makes itself, as data: a start makes them in the
 * container's tmpfs, and nothing of them is ever on the host's disk.
 *
 * @module
 */

import { S_IFDIR, S_IFLNK, S_IFREG } from "../../ffi/files/file_status.ts";
import type { FileKind, NodeStatus } from "./facts.ts";

/**
 * One file. It is a link if it has a target, a file if it has a text or bytes, else a folder, which
 * comes before what is in it.
 */
export interface RootFile {
  /** Absolute path inside the root. */
  readonly path: string;
  /** Permissions; a link has none. */
  readonly mode?: number | undefined;
  /** Where a link leads. */
  readonly target?: string | undefined;
  /** What a file holds. */
  readonly text?: string | undefined;
  /** What a file holds that is no text, in base64. */
  readonly bytes?: string | undefined;
}

const LINK_MODE = 0o777;

/** What a file holds. */
export function contentOf({ text, bytes }: RootFile): Uint8Array<ArrayBuffer> {
  return bytes === undefined ? new TextEncoder().encode(text) : Uint8Array.fromBase64(bytes);
}

/** What stands at a path of such a root, beneath all mounts. */
export class RootFiles {
  readonly #byPath: ReadonlyMap<string, RootFile>;

  /** @param files all of them */
  constructor(files: readonly RootFile[]) {
    this.#byPath = new Map(files.map((file) => [file.path, file]));
  }

  /** What stands at a path whose links are resolved. */
  look(path: string): { kind: FileKind; mode: number | undefined; target?: string } {
    const file = this.#byPath.get(path);
    if (file === undefined) return { kind: "missing", mode: undefined };
    const { mode, target } = file;
    if (target !== undefined) return { kind: "symlink", mode: LINK_MODE, target };
    return { kind: isFile(file) ? "file" : "directory", mode };
  }

  /** The same as type and permissions; undefined where there is nothing. */
  node(path: string): NodeStatus | undefined {
    const file = this.#byPath.get(path);
    if (file === undefined) return undefined;
    const { mode = LINK_MODE, target } = file;
    const type = target !== undefined ? S_IFLNK : isFile(file) ? S_IFREG : S_IFDIR;
    return { mode: type | mode, major: 0, minor: 0 };
  }

  /** The fields of the lines of passwd(5) or group(5); none where there is no such file. */
  lines(path: string): ArrayIterator<readonly string[]> {
    const file = this.#byPath.get(path);
    if (file === undefined || !isFile(file)) return [].values();
    const text = new TextDecoder().decode(contentOf(file));
    return text.split("\n").filter((line) => line !== "").map((line) => line.split(":")).values();
  }
}

/** Whether it is a regular file. */
export function isFile({ text, bytes }: RootFile): boolean {
  return text !== undefined || bytes !== undefined;
}
