/**
 * Makes a failing case small: leaves out what it fails without.
 *
 * @module
 */

import type { Json, Part } from "./case.ts";

/** So many trials at most, and for so long. */
const TRIALS = 40;
const PATIENCE_MS = 20_000;

/** What something can't be without; a case that is wrong in itself says nothing. */
const NEEDED = new Set(
  "destination type source path major minor uid gid hard soft size hostID containerID".split(" ")
    .concat("defaultAction names action syscalls additionalGids bounding permitted".split(" ")),
);

/**
 * Removes parts, and then what is in them, as long as the case still fails.
 *
 * @param fails whether a case still shows the difference
 */
export async function shrink(
  parts: readonly Part[],
  fails: (parts: readonly Part[]) => Promise<boolean>,
): Promise<readonly Part[]> {
  let small = parts;
  let trials = 0;
  const end = Date.now() + PATIENCE_MS;
  for (let changed = true; changed;) {
    changed = false;
    for (const smaller of smallerOnes(small)) {
      if (++trials > TRIALS || Date.now() > end) return small;
      if (!await fails(smaller)) continue;
      small = smaller;
      changed = true;
      break;
    }
  }
  return small;
}

/** Each case that is a step smaller, the boldest first. */
function* smallerOnes(parts: readonly Part[]): Generator<readonly Part[]> {
  for (let k = parts.length - 1; k >= 0; k--) yield parts.toSpliced(k, 1);
  for (const [k, part] of parts.entries()) {
    if (!("value" in part)) continue;
    for (const value of smallerValues(part.value)) yield parts.with(k, { ...part, value });
  }
}

function* smallerValues(value: Json): Generator<Json> {
  if (Array.isArray(value)) {
    const list = value as readonly Json[];
    for (const k of list.keys()) yield list.toSpliced(k, 1);
    for (const [k, item] of list.entries()) {
      for (const smaller of smallerValues(item)) yield list.with(k, smaller);
    }
  } else if (typeof value === "object" && value !== null) {
    for (const [name, item] of Object.entries(value)) {
      const { [name]: _, ...rest } = value as { readonly [key: string]: Json };
      if (!NEEDED.has(name)) yield rest;
      for (const smaller of smallerValues(item as Json)) yield { ...rest, [name]: smaller };
    }
  }
}
