/**
 * What does not change as long as the kernel runs; it is asked for once.
 *
 * @module
 */

import { libc } from "../c/libc.ts";
import { readRecord } from "./file.ts";

const PR_CAPBSET_READ = 23;
/** That of Linux 5.9 and later, where the search begins. */
const CAP_CHECKPOINT_RESTORE = 40;
/** A number that is no capability's, since a set of them has 64 bits. */
const BEYOND = 64;

/**
 * The number of the last capability that the kernel knows: capabilities(7), prctl(2). Asking takes
 * a tenth of the time that reading the kernel's file does; that is left to where a filter denies it.
 */
export const lastCapability: () => number = once(() =>
  lastKnown((number) => libc.prctl(PR_CAPBSET_READ, number)) ??
    Number(readRecord("/proc/sys/kernel/cap_last_cap"))
);

/**
 * The last number that is known; undefined if that can't be asked for: a filter may deny each
 * question, or answer each with 0.
 *
 * @param ask gives -EINVAL for one that is not known
 */
export function lastKnown(ask: (number: number) => number): number | undefined {
  if (ask(0) < 0) return undefined;
  let last = CAP_CHECKPOINT_RESTORE;
  while (last < BEYOND && ask(last + 1) >= 0) last++;
  while (ask(last) < 0) last--;
  return last < BEYOND ? last : undefined;
}

/** The id of this boot: random(4). */
export const bootId: () => string = once(() =>
  readRecord("/proc/sys/kernel/random/boot_id").trim()
);

function once<Value>(find: () => Value): () => Value {
  let found: Value | undefined;
  return () => found ??= find();
}
