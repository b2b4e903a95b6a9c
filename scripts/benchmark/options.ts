/** The command line of scripts/bench. @module */

import { parseArgs } from "@std/cli/parse-args";

/** The cases, in the order in which they are measured. */
export const CASES = [
  "run",
  "lifecycle",
  "exec",
  "sequential",
  "at-once",
  "latency",
  "memory",
  "limit",
] as const;

/** One of the cases. */
export type CaseName = typeof CASES[number];

/** What is to be measured, and where it goes beside stdout. */
export interface Options {
  /** How often everything is measured. */
  readonly rounds: number;
  /** The same for what starts many containers each time. */
  readonly batches: number;
  /** How many are started one after another. */
  readonly sequential: number;
  readonly atOnce: number;
  /** How many starts a distribution is made of. */
  readonly starts: number;
  readonly cases: readonly CaseName[];
  /** The files to write. */
  readonly json: string | undefined;
  readonly svg: string | undefined;
  readonly markdown: string | undefined;
}

const USAGE = `usage: scripts/bench [--rounds N] [--quick] [--only CASE]...
                     [--json FILE] [--svg FILE] [--markdown FILE]
cases: ${CASES.join(", ")}`;

/** Reads the command line; ends the program with a usage if it can't be understood. */
export function readOptions(args: readonly string[]): Options {
  const given = parseArgs([...args], {
    string: ["rounds", "only", "json", "svg", "markdown"],
    boolean: ["quick"],
    collect: ["only"],
    unknown: refuse,
  });
  const quick = given["quick"] === true;
  const rounds = Number(given["rounds"] ?? (quick ? 3 : 30));
  const only = (given["only"] ?? []) as string[];
  if (!Number.isInteger(rounds) || rounds < 1) refuse("--rounds");
  for (const name of only) if (!(CASES as readonly string[]).includes(name)) refuse(name);
  const file = (name: string) => given[name] === undefined ? undefined : String(given[name]);
  return {
    rounds,
    batches: Math.max(1, Math.round(rounds / 6)),
    sequential: quick ? 10 : 100,
    atOnce: quick ? 10 : 50,
    starts: quick ? 20 : 500,
    cases: CASES.filter((name) => only.length === 0 || only.includes(name)),
    json: file("json"),
    svg: file("svg"),
    markdown: file("markdown"),
  };
}

function refuse(argument: string): never {
  console.error(`scripts/bench: can't use ${argument}\n${USAGE}`);
  Deno.exit(2);
}
