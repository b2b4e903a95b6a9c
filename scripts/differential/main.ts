/**
 * Compares hull with runc on drawn cases.
 *
 *   main.ts [--seed N] [--count N] [--case N] [--workers N] [--hull PROGRAM]
 *
 * @module
 */

import { parseArgs } from "@std/cli";
import { soak } from "./soak.ts";

const flags = parseArgs(Deno.args, {
  string: ["seed", "count", "case", "workers", "hull"],
  default: { seed: `${Date.now() % 1_000_000}`, count: "200", workers: "2" },
});
const only = flags.case === undefined ? undefined : Number(flags.case);
const ending = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(name, () => ending.abort());
}
const failures = await soak({
  seed: Number(flags.seed),
  first: only ?? 0,
  end: only === undefined ? Number(flags.count) : only + 1,
  workers: only === undefined ? Number(flags.workers) : 1,
  ...(typeof flags.hull === "string" ? { hull: flags.hull } : {}),
  signal: ending.signal,
  say: (text) => console.log(text),
});
Deno.exit(failures.length === 0 ? 0 : 1);
