/**
 * What a case that differs prints.
 *
 * @module
 */

import type { Peer } from "./runtimes.ts";
import type { Failure } from "./worker.ts";

/** So many differences are shown of each way. */
const SHOWN = 12;

/** The case made small, what differs, and how to see it again. */
export function reportOf(seed: number, peer: Peer, failure: Failure): string {
  const lines = [
    `case ${failure.number}: scripts/soak differential --seed ${seed} --case ${failure.number}`,
  ];
  for (const part of failure.small) lines.push(`  part ${JSON.stringify(part)}`);
  const ways = Map.groupBy(failure.differences, ({ way }) => way);
  for (const [way, differences] of ways) {
    for (const { fact, hull, reference } of differences.slice(0, SHOWN)) {
      lines.push(`  ${way}: ${fact}`, `      hull ${hull}`, `      ${peer} ${reference}`);
    }
    if (differences.length > SHOWN) lines.push(`  and ${differences.length - SHOWN} more`);
  }
  for (const [name, words] of Object.entries(failure.words)) {
    if (words !== "") lines.push(`  ${name} said: ${words.trim()}`);
  }
  return lines.join("\n");
}
