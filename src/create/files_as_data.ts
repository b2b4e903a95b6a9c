/**
 * Which files of a root can be kept as data, and are made by the start.
 *
 * @module
 */

import type { RootFile } from "../../init/operations/root_files.ts";
import type { BuiltinFile } from "./builtin_files.ts";

/** One page: a write to a new file of a tmpfs puts all of it there, or nothing. */
const MOST_BYTES = 4096;
/**
 * What is kept in the container's state is read with it each time. Where init is not in the
 * container's cgroup from its birth on, as with cgroup v1, hull's is charged for these few pages.
 */
const MOST_IN_ALL = 16_384;
/** The set-id bits: mkdirat(2) sets none. */
const SPECIAL = 0o6000;

/**
 * The files as data.
 *
 * @returns undefined if they are too large, or something about them is unusual
 */
export function filesAsData(files: readonly BuiltinFile[]): readonly RootFile[] | undefined {
  const folders = new Set([""]);
  const data: RootFile[] = [];
  let size = 0;
  for (const file of files) {
    const one = asData(file);
    if (one === undefined || !folders.has(folderOf(file.path))) return undefined;
    if (file.kind === "dir") folders.add(file.path);
    size += one.text?.length ?? one.bytes?.length ?? 0;
    data.push(one);
  }
  const isPlain = size <= MOST_IN_ALL && new Set(data.map(({ path }) => path)).size === data.length;
  return isPlain ? data : undefined;
}

function asData(file: BuiltinFile): RootFile | undefined {
  const { path } = file;
  if (!isPlainPath(path)) return undefined;
  if (file.kind === "symlink") {
    return file.target.includes("\0") ? undefined : { path, target: file.target };
  }
  const { mode } = file;
  if ((mode & SPECIAL) !== 0) return undefined;
  if (file.kind === "dir") return { path, mode };
  const { content } = file;
  if (content.length > MOST_BYTES) return undefined;
  if (typeof content !== "string") return { path, mode, bytes: content.toBase64() };
  const isSmall = content.length * 3 <= MOST_BYTES ||
    new TextEncoder().encode(content).length <= MOST_BYTES;
  return isSmall ? { path, mode, text: content } : undefined;
}

function isPlainPath(path: string): boolean {
  const [first, ...names] = path.split("/");
  const isName = (name: string) => !["", ".", ".."].includes(name) && !name.includes("\0");
  return first === "" && names.length > 0 && names.every(isName);
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}
