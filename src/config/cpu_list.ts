/**
 * Lists of CPUs and memory nodes as the kernel and the spec write them: `0-3,7` (cpuset(7), List
 * format).
 *
 * @module
 */

/** Highest number a list may hold: the kernel's largest NR_CPUS is 8192. */
export const MAX_LISTED = 8191;

/**
 * The numbers of a list, ascending, each once; `undefined` if the text isn't a list. Spaces around
 * entries and empty entries are allowed, as in runc.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { parseCpuList } from "./cpu_list.ts";
 *
 * assert(parseCpuList("0-2,7")?.join() === "0,1,2,7");
 * assert(parseCpuList("3-1") === undefined);
 * ```
 */
export function parseCpuList(text: string): number[] | undefined {
  const numbers = new Set<number>();
  for (const entry of text.split(",").map((part) => part.trim())) {
    if (entry === "") continue;
    const match = /^(\d{1,9})(?:\s*-\s*(\d{1,9}))?$/.exec(entry);
    if (match === null) return undefined;
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    if (first > last || last > MAX_LISTED) return undefined;
    for (let number = first; number <= last; number++) numbers.add(number);
  }
  return [...numbers].sort((a, b) => a - b);
}
