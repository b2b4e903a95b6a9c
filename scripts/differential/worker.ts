/**
 * Runs cases in namespaces of its own; prints a JSON line for each that differs, and one at its end.
 *
 *   worker.ts FOLDER HULL SEED FIRST STEP END
 *
 * @module
 */

import { compare } from "./compare.ts";
import type { Difference } from "./difference.ts";
import type { Part } from "./case.ts";
import { drawCase } from "./draw.ts";
import { type Observation, observe, type Place } from "./observe.ts";
import { runtimes } from "./runtimes.ts";
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

const [folder = "", hull = "", seed = "1", first = "0", step = "1", end = "0"] = Deno.args;
const [reference, ...others] = runtimes(hull);
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
  const differences: Difference[] = [];
  for (const way of others) {
    const ours: Observation = await observe(way, place, parts);
    words[way.name] = ours.words;
    differences.push(...compare(way.name, parts, ours, theirs));
  }
  return { differences, words };
}

/** The kinds of facts that differ: without places' names, which change as a case gets smaller. */
function kinds({ differences }: Seen): Set<string> {
  return new Set(
    differences.map(({ fact, way }) => `${way} ${fact.split(" ").slice(0, 2).join(" ")}`),
  );
}

for (let number = Number(first); number < Number(end); number += Number(step)) {
  const { parts } = drawCase(Number(seed), number, place.bundle);
  const seen = await look(parts);
  if (seen.differences.length === 0) continue;
  const wanted = kinds(seen);
  const small = await shrink(parts, async (smaller) => {
    const still = kinds(await look(smaller));
    return still.size > 0 && [...still].every((kind) => wanted.has(kind));
  });
  const last = await look(small);
  const failure: Failure = { number, parts, small, ...last };
  console.log(JSON.stringify(failure));
}
console.log("done");
