/**
 * Takes back what was written to cgroups when a later write fails.
 *
 * @module
 */

import { CgroupFolder, type WriteNote } from "./folder.ts";

/** What stood in a file. */
interface Before {
  readonly path: string;
  readonly name: string;
  readonly text: string;
}

/**
 * Writes limits; if that fails, each file gets back what it held, the last one first, so that limits
 * which depend on each other are at no moment in an order that the kernel refuses. Files that can't
 * be read, and lists, stay as they are.
 *
 * @param isUndone whether there is something to go back to; a new cgroup is removed as a whole
 * @param work gets what notes the writes of a folder
 */
export function withUndo(isUndone: boolean, work: (note?: WriteNote) => void): void {
  if (!isUndone) return work();
  const written: Before[] = [];
  try {
    work((path, name, text) => written.push({ path, name, text }));
  } catch (error) {
    for (const before of written.reverse()) putBack(before);
    throw error;
  }
}

function putBack({ path, name, text }: Before): void {
  const value = text.trimEnd();
  if (value.includes("\n")) return; // a list: the kernel takes its lines one by one
  using folder = new CgroupFolder(path);
  folder.tryWrite(name, value === "" ? "\n" : value);
}
