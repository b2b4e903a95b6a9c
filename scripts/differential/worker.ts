/**
 * Runs cases in namespaces of its own; prints a JSON line for each that differs, and one at its end.
 *
 *   worker.ts WISHES   what it is to do, as JSON
 *
 * @module
 */

import { ABSENT, compare } from "./compare.ts";
import type { Difference } from "./difference.ts";
import type { Part } from "./case.ts";
import { drawCase } from "./draw.ts";
import { KNOWN_OF } from "./known.ts";
import { type Observation, observe, type Place } from "./observe.ts";
import { type Peer, runtimes } from "./runtimes.ts";
import { shrink } from "./shrink.ts";

/** A case that differs, as it is handed up. */
export interface Failure {
  readonly number: number;
  readonly parts: readonly Part[];
  readonly small: readonly Part[];
  readonly differences: readonly Difference[];
  /** Error streams, by runtime. */
  readonly words: Readonly<Record<string, string>>;
}

interface Seen {
  readonly differences: readonly Difference[];
  readonly words: Record<string, string>;
}

/** What a worker is to do. */
export interface WorkerWishes {
  /** A folder of its own. */
  readonly folder: string;
  readonly hull: string;
  readonly reference: string;
  /** Which runtime that is. */
  readonly peer: Peer;
  readonly witness?: string;
  readonly seed: number;
  readonly cases: readonly number[];
  readonly whole: boolean;
}

const wishes = JSON.parse(Deno.args[0] ?? "{}") as WorkerWishes;
const { folder, peer, witness } = wishes;
const [reference, ...others] = runtimes(wishes.hull, wishes.reference, peer);
const place: Place = {
  bundle: `${folder}/case`,
  root: `${folder}/root`,
  program: `${folder}/probe`,
  // the folder's name is chance: another soak at the same time has other cgroups
  id: folder.replaceAll("/", "-").slice(-30),
};

async function look(parts: readonly Part[]): Promise<Seen> {
  const theirs = await observe(reference, place, parts);
  const words: Record<string, string> = { [reference.name]: theirs.words };
  const third = witness === undefined
    ? undefined
    : await observe({ name: "witness", words: [witness], run: [] }, place, parts);
  if (third !== undefined) words["witness"] = third.words;
  const differences: Difference[] = [];
  for (const way of others) {
    const ours: Observation = await observe(way, place, parts);
    words[way.name] = ours.words;
    const found = compare(way.name, parts, ours, theirs, KNOWN_OF[peer]);
    differences.push(...third === undefined ? found : found.filter((one) => isAlone(one, third)));
  }
  return { differences, words };
}

/** Whether neither of two others saw what hull did; codes of failures are each runtime's own. */
function isAlone({ fact, hull }: Difference, { facts }: Observation): boolean {
  const seen = facts.get(fact) ?? ABSENT;
  if (!/^(run|exec) code$/.test(fact)) return seen !== hull;
  return (seen === "7") !== (hull === "7") || (seen === ABSENT) !== (hull === ABSENT);
}

/** The kinds of facts that differ: without places' names, which change as a case gets smaller. */
function kinds({ differences }: Seen): Set<string> {
  return new Set(
    differences.map(({ fact, way }) => `${way} ${fact.split(" ").slice(0, 2).join(" ")}`),
  );
}

const { seed, cases, whole } = wishes;
for (const number of cases) {
  const { parts } = drawCase(seed, number, place.bundle);
  const seen = await look(parts);
  if (seen.differences.length === 0) continue;
  const wanted = kinds(seen);
  const small = whole ? parts : await shrink(parts, async (smaller) => {
    const still = kinds(await look(smaller));
    return still.size > 0 && [...still].every((kind) => wanted.has(kind));
  });
  const last = whole ? seen : await look(small);
  const failure: Failure = { number, parts, small, ...last };
  console.log(JSON.stringify(failure));
}
console.log("done");
