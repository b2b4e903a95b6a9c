/**
 * Compares what two runtimes did with a case.
 *
 * @module
 */

import type { Case } from "./case.ts";
import type { Compared, Difference, Known } from "./difference.ts";
import { KNOWN, LEFT_OUT } from "./known.ts";
import type { Observation } from "./observe.ts";

/** What stands for a fact that one of them has not. */
export const ABSENT = "(nothing)";

/**
 * The differences between a way of hull's and the reference, without those that are known.
 *
 * @param known the list for this reference; the one for runc by default
 */
export function compare(
  way: string,
  parts: Case["parts"],
  hull: Observation,
  reference: Observation,
  known: readonly Known[] = KNOWN,
): readonly Difference[] {
  const names = new Set([...reference.facts.keys(), ...hull.facts.keys()]);
  // where a program ran with one of them alone, all that it saw says no more than its code
  const bothRan = ran(hull) === ran(reference);
  // the same of a container that is there with one alone
  const bothLive = hull.facts.has("state status") === reference.facts.has("state status");
  const seen: Compared = { parts, reference: heard(reference), hull: heard(hull) };
  const found: Difference[] = [];
  for (const fact of names) {
    if (LEFT_OUT.some(({ fact: pattern }) => pattern.test(fact))) continue;
    if (!bothRan && fact.startsWith("inside ")) continue;
    if (!bothLive && /^(state|cgroup|updated?) /.test(fact)) continue;
    const ours = hull.facts.get(fact) ?? ABSENT;
    const theirs = reference.facts.get(fact) ?? ABSENT;
    if (ours === theirs) continue;
    const difference = { fact, way, hull: ours, reference: theirs };
    if (!known.some(({ covers }) => covers(difference, seen))) found.push(difference);
  }
  return found;
}

/** What was seen, with what was said of the end alone: warnings are about something else. */
function heard(seen: Observation): Observation {
  const lines = seen.words.split("\n");
  const words = lines.filter((line) => !/level=warning|^hull: warning: /.test(line)).join("\n");
  return { ...seen, words };
}

function ran({ facts }: Observation): boolean {
  return facts.has("inside arg.0") || facts.has("inside cwd");
}
