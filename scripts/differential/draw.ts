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
import { drawOddExec, drawOddProcess } from "./grammar_odd.ts";
import { drawProcess, ofExec, ofFirst } from "./grammar_process.ts";
import { drawLimitOfCgroup, drawUpdate } from "./grammar_resources.ts";
import { drawWide } from "./grammar_wide.ts";

/** One case in so many has an `exec`, or an `update`. */
const EXEC = 5;
const UPDATE = 8;

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
  const withUpdate = chance.oneIn(UPDATE);
  const some = 1 + chance.below(5);
  for (let k = 0; k < some; k++) parts.push(...drawPart(chance, host, bundle));
  if (withExec) {
    parts.push({ kind: "exec", at: "/terminal", value: false });
    const fields = 1 + chance.below(3);
    for (let k = 0; k < fields; k++) {
      parts.push(chance.oneIn(4) ? drawOddExec(chance) : drawProcess(chance, ofExec));
    }
  }
  for (let k = withUpdate ? 1 + chance.below(2) : 0; k > 0; k--) parts.push(drawUpdate(chance));
  // what a container is made of comes first: later parts may name its items
  return { seed, number, parts: withExec || withUpdate ? parts.filter(leavesFirst) : parts };
}

function drawPart(chance: Chance, host: string, bundle: string): readonly Part[] {
  const draw = chance.below(36);
  if (draw < 8) return [drawMount(chance, host)];
  if (draw < 11) return [drawEntry(chance)];
  if (draw < 13) return [drawMask(chance)];
  if (draw < 14) return [drawDevice(chance)];
  if (draw < 15) return [drawTree(chance)];
  if (draw < 16) return [drawBaseMount(chance)];
  if (draw < 17) return [drawHook(chance, bundle)];
  if (draw < 20) return drawLinux(chance);
  if (draw < 24) return [drawProcess(chance, ofFirst)];
  if (draw < 26) return [drawLimitOfCgroup(chance)];
  if (draw < 27) return [drawOddProcess(chance, ofFirst)];
  return drawWide(chance, host, bundle);
}

/** Where an exec follows, the first process waits, and what it is called with is no part. */
function leavesFirst(part: Part): boolean {
  return part.kind !== "set" || part.at !== "/process/args";
}
