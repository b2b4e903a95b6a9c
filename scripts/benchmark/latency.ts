/** How the times of starts from one program are distributed. @module */

import { fromFileUrl } from "../../tests/fixtures/paths.ts";
import type { Bundles } from "./bundles.ts";
import type { Notes, Settings } from "./latency_program.ts";
import type { Latency } from "./report.ts";
import { quantile } from "./statistics.ts";

const PROGRAM = fromFileUrl(new URL("latency_program.ts", import.meta.url));
const DENO_JSON = fromFileUrl(new URL("../../deno.json", import.meta.url));
const LARGE_HEAP_MIB = 1024;
/** In MiB, for V8. */
const HEAP_LIMIT = 4096;

/** Each distribution in a program of its own. */
export async function measureLatency(
  bundles: Bundles,
  state: string,
  starts: number,
  signal: AbortSignal,
): Promise<Latency[]> {
  const all: Latency[] = [];
  for (const [kind, { folder }] of bundles.made) {
    for (const heapMib of [0, LARGE_HEAP_MIB]) {
      for (const what of ["run", "exec"] as const) {
        signal.throwIfAborted();
        const root = `${state}/latency`;
        const notes = await call({ what, root, bundle: folder, starts, heapMib });
        all.push(describe(`${what}, ${kind}`, heapMib, notes));
      }
    }
  }
  return all;
}

async function call(settings: Settings): Promise<Notes> {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--allow-all",
      "--no-lock",
      `--v8-flags=--max-old-space-size=${HEAP_LIMIT}`,
      "--config",
      DENO_JSON,
      PROGRAM,
      JSON.stringify(settings),
    ],
    stdin: "null",
    stderr: "inherit",
  }).output();
  if (code !== 0) throw new Error(`the program that starts containers ended with ${code}`);
  return JSON.parse(new TextDecoder().decode(stdout)) as Notes;
}

function describe(what: string, heapMib: number, { tookMs, blockedMs, idleMs }: Notes): Latency {
  return {
    what,
    heapMib,
    starts: tookMs.length,
    p50Ms: quantile(tookMs, 0.5),
    p99Ms: quantile(tookMs, 0.99),
    maxMs: Math.max(...tookMs),
    blockP99Ms: quantile(blockedMs, 0.99),
    longestBlockMs: Math.max(...blockedMs),
    longestIdleBlockMs: Math.max(...idleMs),
  };
}
