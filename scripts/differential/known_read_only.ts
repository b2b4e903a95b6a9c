/**
 * Known differences in how something is read-only: as a mount, or as a whole file system, which all
 * who have mounted it share.
 *
 * @module
 */

import { mountsOf } from "./case_look.ts";
import type { Known } from "./difference.ts";

/** Where nothing can be written in either, as runc and crun show it. */
export const READ_ONLY: readonly Known[] = [
  {
    name: "which of two faults a write meets",
    reason:
      "the kernel asks a read-only file system before a place's mode, and a read-only mount " +
      "after it; hull, runc and crun have the one or the other, each of other types",
    covers: ({ fact, hull, reference }) =>
      /^inside (also )?place /.test(fact) && isReadonly(hull) && isReadonly(reference) &&
      withoutFault(hull) === withoutFault(reference),
  },
  {
    name: "a file system's own read-only",
    reason: "the same, as the mount table shows it: the mounts are read-only",
    covers: ({ fact, hull, reference }) =>
      fact.startsWith("inside mount ") && /^\S+ ro,/.test(hull) &&
      withoutOwn(hull) === withoutOwn(reference),
  },
];

/** Where runc makes a file system read-only for others. */
export const READ_ONLY_RUNC: readonly Known[] = [
  {
    name: "a file system that is shared",
    reason:
      "a mount is as writable as its own options say; with runc one that is read-only makes others of " +
      "its namespace so, of other containers as well",
    covers: ({ fact, hull, reference }, { parts }) =>
      mountsOf(parts).some(({ type = "", options = [] }) =>
        /^(proc|sysfs|mqueue|cgroup)$/.test(type) && options.includes("ro")
      ) &&
      (fact.startsWith("inside mount ") && / (proc|sysfs|mqueue|cgroup) \S+ rw(,|$)/.test(hull) &&
          withoutOwn(hull) === withoutOwn(reference) ||
        /^inside (also )?place .* fs=(9fa0|62656572|19800202|27e0eb) /.test(`${fact} ${hull}`) &&
          !isReadonly(hull) && isReadonly(reference) &&
          withoutFault(hull) === withoutFault(reference)),
  },
];

/** What statfs(2) has of a read-only mount. */
const RDONLY = 1;

function flagsIn(fact: string): number {
  return Number.parseInt(/flags=(\w+)/.exec(fact)?.[1] ?? "0", 16);
}

/** Whether a place can't be written to, whatever its mode. */
export function isReadonly(fact: string): boolean {
  return (flagsIn(fact) & RDONLY) !== 0;
}

/** A place without whether and why it can't be written to. */
function withoutFault(fact: string): string {
  return fact.replace(/flags=\w+/, `flags=${(flagsIn(fact) | RDONLY).toString(16)}`)
    .replace(/ (w|-\(\w+\))(?=[x-]( |$))/, " -");
}

/** A mount without its file system's own read-only. */
function withoutOwn(fact: string): string {
  return fact.replace(/ (\S+ \S+) r[ow](?=,\S*$|$)/, " $1");
}
