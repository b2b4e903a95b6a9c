/**
 * What stands at a path of the host, in the words of facts.
 *
 * @module
 */

import {
  type FileStatus,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  tryStatPath,
} from "../../ffi/files/file_status.ts";
import type { FileKind, NodeStatus } from "./facts.ts";

/** A file's type, permissions and device number. */
export function nodeOf({ mode, deviceMajor, deviceMinor }: FileStatus): NodeStatus {
  return { mode, major: deviceMajor, minor: deviceMinor };
}

/** Undefined for what can't be looked at: the plan fails there, with its errno. */
export function statPath(path: string, follow: boolean): FileStatus | undefined {
  const status = tryStatPath(path, follow);
  return typeof status === "number" ? undefined : status;
}

/** The kind of what was looked at; `missing` for what could not be. */
export function kindOf(status: FileStatus | undefined): FileKind {
  if (status === undefined) return "missing";
  const type = status.mode & S_IFMT;
  if (type === S_IFLNK) return "symlink";
  return type === S_IFDIR ? "directory" : "file";
}
