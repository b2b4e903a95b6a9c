/**
 * Compares hull with runc, or with crun, on drawn cases.
 *
 *   main.ts [--seed N] [--count N] [--case N,N] [--workers N] [--hull PROGRAM] [--reference PROGRAM]
 *           [--witness PROGRAM] [--whole]
 *
 * The reference, `runc` by default, may be a crun: it says so itself, and has a list of known
 * differences of its own. With a witness, another runtime, only those differences count in which hull
 * stands alone. With --whole a case that differs is not made smaller.
 *
 * @module
 */

import { parseArgs } from "@std/cli";
import { soak } from "./soak.ts";

const flags = parseArgs(Deno.args, {
  string: ["seed", "count", "case", "workers", "hull", "reference", "witness"],
  boolean: ["whole"],
  default: { seed: `${Date.now() % 1_000_000}`, count: "200", workers: "2" },
});
const only = flags.case === undefined ? undefined : String(flags.case).split(",").map(Number);
const ending = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(name, () => ending.abort());
}
const failures = await soak({
  seed: Number(flags.seed),
  cases: only ?? Array.from({ length: Number(flags.count) }, (_, k) => k),
  workers: only === undefined ? Number(flags.workers) : 1,
  ...(typeof flags.hull === "string" ? { hull: flags.hull } : {}),
  ...(typeof flags.reference === "string" ? { reference: flags.reference } : {}),
  ...(typeof flags.witness === "string" ? { witness: flags.witness } : {}),
  whole: flags.whole === true,
  signal: ending.signal,
  say: (text) => console.log(text),
});
Deno.exit(failures.length === 0 ? 0 : 1);
