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
 * which depend on each other are at no moment in an order that the kernel refuses. In a list by
 * device or interface, what was not named before gets no limit. Files that can't be read, and lists
 * of other kinds, stay as they are.
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
  using folder = new CgroupFolder(path);
  // Each line by itself: what can't be put back shall not keep the others from it.
  for (const line of linesToWrite(folder, name, text)) folder.tryWrite(name, line);
}

function linesToWrite(folder: CgroupFolder, name: string, before: string): readonly string[] {
  const none = NO_LIMIT.find(([names]) => names.test(name))?.[1];
  if (none !== undefined) return changedLines(before, folder.readIfPresent(name) ?? "", none);
  // It shows counters as well, and takes this value alone.
  if (name === "memory.oom_control") {
    return /^oom_kill_disable ([01])$/m.exec(before)?.slice(1) ?? [];
  }
  const value = before.trimEnd();
  if (value.includes("\n")) return []; // a list: the kernel takes its lines one by one
  return [value === "" ? "\n" : value];
}

/** What makes a list what it was: lines for the keys that are new in it, then those that changed. */
function changedLines(before: string, now: string, none: string): readonly string[] {
  const [old, present] = [linesByKey(before), linesByKey(now)];
  const added = [...present.keys()].filter((key) => !old.has(key)).map((key) => `${key} ${none}`);
  const changed = [...old].filter(([key, line]) => present.get(key) !== line);
  return [...added, ...changed.map(([, line]) => line)];
}

function linesByKey(text: string): ReadonlyMap<string, string> {
  const lines = text.split("\n").filter((line) => line !== "");
  return new Map(lines.map((line) => [line.split(" ", 1).join(), line]));
}

/** The files that hold a line for each device or interface, and what stands for no limit there. */
const NO_LIMIT: readonly (readonly [RegExp, string])[] = [
  [/^blkio\.throttle\.\w+_device$/, "0"],
  [/^blkio\.(bfq\.|leaf_)?weight_device$/, "default"],
  [/^io\.(bfq\.)?weight$/, "default"],
  [/^io\.max$/, "rbps=max wbps=max riops=max wiops=max"],
  [/^io\.latency$/, "target=0"],
  [/^rdma\.max$/, "hca_handle=max hca_object=max"],
  [/^(misc|dmem)\.max$/, "max"],
  [/^net_prio\.ifpriomap$/, "0"],
];
