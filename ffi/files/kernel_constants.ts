/**
 * What does not change as long as the kernel runs; it is asked for once.
 *
 * @module
 */

import { readText } from "./file.ts";

/** The number of the last capability that the kernel knows: capabilities(7). */
export const lastCapability: () => number = once(() =>
  Number(readText("/proc/sys/kernel/cap_last_cap"))
);

/** The id of this boot: random(4). */
export const bootId: () => string = once(() => readText("/proc/sys/kernel/random/boot_id").trim());

function once<Value>(find: () => Value): () => Value {
  let found: Value | undefined;
  return () => found ??= find();
}
