/**
 * Draws a case from its seed and number.
 *
 * @module
 */

import type { Case, Part } from "./case.ts";
import { Chance } from "./chance.ts";
import { drawHook, drawLinux } from "./grammar_linux.ts";
import {
  drawBaseMount,
  drawDevice,
  drawEntry,
  drawMask,
  drawMount,
  drawTree,
} from "./grammar_mounts.ts";
import { drawProcess, ofExec, ofFirst } from "./grammar_process.ts";

/** One case in so many has an `exec`. */
const EXEC = 5;

/**
 * Draws a case.
 *
 * @param bundle the folder that its bundle will be in
 */
export function drawCase(seed: number, number: number, bundle: string): Case {
  const chance = new Chance(seed, number);
  const host = `${bundle}/host`;
  const parts: Part[] = [];
  const withExec = chance.oneIn(EXEC);
  const some = 1 + chance.below(5);
  for (let k = 0; k < some; k++) parts.push(...drawPart(chance, host, bundle));
  if (withExec) {
    parts.push({ kind: "exec", at: "/terminal", value: false });
    const fields = 1 + chance.below(3);
    for (let k = 0; k < fields; k++) parts.push(drawProcess(chance, ofExec));
  }
  // what a container is made of comes first: later parts may name its items
  return { seed, number, parts: withExec ? parts.filter(leavesFirst) : parts };
}

function drawPart(chance: Chance, host: string, bundle: string): readonly Part[] {
  const draw = chance.below(24);
  if (draw < 8) return [drawMount(chance, host)];
  if (draw < 11) return [drawEntry(chance)];
  if (draw < 13) return [drawMask(chance)];
  if (draw < 14) return [drawDevice(chance)];
  if (draw < 15) return [drawTree(chance)];
  if (draw < 16) return [drawBaseMount(chance)];
  if (draw < 17) return [drawHook(chance, bundle)];
  if (draw < 20) return drawLinux(chance);
  return [drawProcess(chance, ofFirst)];
}

/** Where an exec follows, the first process waits, and what it is called with is no part. */
function leavesFirst(part: Part): boolean {
  return part.kind !== "set" || part.at !== "/process/args";
}
