/**
 * A walk through the folders of a sandbox.
 *
 * @module
 */

import { failedWith } from "../../../ffi/c/errno.ts";
import type { DirEntry, FileInfo, WalkEntry, WalkOptions } from "./file_types.ts";

/** What a path leads to, and by which numbers it is known again. */
type Found = Omit<DirEntry, "name"> & Pick<FileInfo, "dev" | "ino">;

/** What a walk looks at. */
export interface Walked {
  /** What a path leads to; a link is not followed. */
  look(path: string, follow: boolean): Promise<Found>;
  /** What is in a folder. */
  list(path: string): Promise<readonly DirEntry[]>;
}

/** Where it is, and how deep it still may go. */
interface Step {
  readonly path: string;
  readonly entry: DirEntry;
  readonly depth: number;
}

/**
 * Gives the beginning and what is below it, each folder before what is in it. What is removed
 * meanwhile is left out. Links lead into each folder once: a loop of them has no end, and a few folders
 * that link to each other have more paths than anybody can walk.
 */
export async function* walkTree(
  top: string,
  options: WalkOptions,
  { look, list }: Walked,
): AsyncGenerator<WalkEntry, void, void> {
  const { maxDepth = Infinity, followSymlinks = false } = options;
  const name = top.split("/").filter((each) => each !== "").at(-1) ?? top;
  const begin = await look(top, followSymlinks);
  const stack: Step[] = [{ path: top, entry: { name, ...typeOf(begin) }, depth: maxDepth }];
  const linked = new Set([idOf(begin)]);
  for (let step = stack.pop(); step !== undefined; step = stack.pop()) {
    const { path, depth } = step;
    const isFollowed = followSymlinks && step.entry.isSymlink;
    const led = isFollowed ? await ifThere(() => look(path, true)) : undefined;
    if (isFollowed && led === undefined) continue;
    const entry = led === undefined ? step.entry : { name: step.entry.name, ...typeOf(led) };
    if (isSkipped(path, options)) continue;
    if (isWanted(path, entry, options)) yield { path, ...entry };
    if (!entry.isDirectory || depth <= 0) continue;
    if (led !== undefined) {
      if (linked.has(idOf(led))) continue;
      linked.add(idOf(led));
    }
    const found = await ifThere(() => list(path)) ?? [];
    const base = path.endsWith("/") ? path : `${path}/`;
    for (const below of found.toReversed()) {
      stack.push({ path: `${base}${below.name}`, entry: below, depth: depth - 1 });
    }
  }
}

function typeOf({ isFile, isDirectory, isSymlink }: Found): Omit<DirEntry, "name"> {
  return { isFile, isDirectory, isSymlink };
}

function idOf({ dev, ino }: Found): string {
  return `${dev} ${ino}`;
}

async function ifThere<Result>(call: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await call();
  } catch (error) {
    // It was removed meanwhile, or is a link that leads to nothing or to itself.
    if (failedWith(error, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
    throw error;
  }
}

function isSkipped(path: string, { skip = [] }: WalkOptions): boolean {
  return skip.some((pattern) => path.search(pattern) >= 0);
}

function isWanted(path: string, entry: DirEntry, options: WalkOptions): boolean {
  const { includeFiles = true, includeDirs = true, includeSymlinks = true, exts, match } = options;
  if (match !== undefined && !match.some((pattern) => path.search(pattern) >= 0)) return false;
  if (
    exts !== undefined && !exts.some((end) => path.endsWith(end.startsWith(".") ? end : `.${end}`))
  ) {
    return false;
  }
  if (entry.isDirectory) return includeDirs;
  return entry.isSymlink ? includeSymlinks : includeFiles;
}
