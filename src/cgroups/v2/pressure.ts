/**
 * Pressure stall information of a cgroup.
 *
 * Source: the kernel's Documentation/accounting/psi.rst.
 *
 * @module
 */

import type { CgroupFolder } from "../folder.ts";
import type { Pressure, PressureLine } from "../stats.ts";

const NOTHING: PressureLine = { avg10: 0, avg60: 0, avg300: 0, total: 0 };

/** The pressure that a file such as `cpu.pressure` shows; undefined where PSI is off. */
export function pressureStats(folder: CgroupFolder, file: string): Pressure | undefined {
  const text = folder.readIfPresent(file);
  return text === undefined ? undefined : { some: line(text, "some"), full: line(text, "full") };
}

/** `some avg10=0.00 avg60=0.00 avg300=0.00 total=0` */
function line(text: string, kind: "some" | "full"): PressureLine {
  const number = "=([\\d.]+)";
  const pattern = `^${kind} avg10${number} avg60${number} avg300${number} total${number}$`;
  const match = new RegExp(pattern, "m").exec(text);
  if (match === null) return NOTHING;
  const [, avg10, avg60, avg300, total] = match;
  return {
    avg10: Number(avg10),
    avg60: Number(avg60),
    avg300: Number(avg300),
    total: Number(total),
  };
}
