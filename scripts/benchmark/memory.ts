/** The memory that a start takes and that a container leaves taken. @module */

import { reapOrphans } from "../../ffi/processes/process.ts";
import type { Bundle } from "../../tests/fixtures/bundle.ts";
import { bundleOf, trueBundle } from "./bundles.ts";
import { CliRuntime } from "./cli_runtime.ts";
import { commandOf, peakKib, processesMarked, proportionalKib, treeOf } from "./processes.ts";
import type { MemoryUse, ProcessPeak, SmallestLimit } from "./report.ts";
import type { Runtime } from "./runtime.ts";

const MARK = "HULL_BENCH_MARK";
const PEAK_RUNS = 5;
const KIB = 1024;
/** A limit of so many KiB must do. */
const MOST_KIB = 64 * KIB;
/** A limit must work as often in a row. */
const TRIES = 3;

/** What every runtime that is a command needs. */
export async function measureMemory(
  runtimes: readonly Runtime[],
  signal: AbortSignal,
): Promise<MemoryUse[]> {
  using forPeaks = trueBundle();
  using forLeft = bundleOf("plain", ["/bin/sleep", "7200"]);
  const uses: MemoryUse[] = [];
  for (const runtime of runtimes) {
    if (!(runtime instanceof CliRuntime)) continue;
    signal.throwIfAborted();
    const peaks = await measurePeaks(runtime, forPeaks);
    uses.push({ runtime: runtime.name, peaks, ...await measureLeft(runtime, forLeft) });
  }
  return uses;
}

/**
 * Looks at the processes of a run as often as this program can. The kernel keeps the peak, so that
 * only what a process takes right before its end may be missed.
 */
async function measurePeaks(runtime: CliRuntime, bundle: Bundle): Promise<ProcessPeak[]> {
  const highest = new Map<string, number>();
  for (let k = 0; k < PEAK_RUNS; k++) {
    const [program = "", ...args] = runtime.runWords(bundle, `hull-bench-peak-${k}`);
    const child = new Deno.Command(program, {
      args,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    let ended = false;
    const status = child.status.finally(() => ended = true);
    while (!ended) {
      for (const pid of treeOf(child.pid)) {
        const command = commandOf(pid);
        if (command !== "") highest.set(command, Math.max(highest.get(command) ?? 0, peakKib(pid)));
      }
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    const { code } = await status;
    if (code !== 0) throw new Error(`${runtime.name} run ended with ${code}`);
  }
  return [...highest].map(([command, kib]) => ({ command, peakKib: kib }))
    .sort((a, b) => b.peakKib - a.peakKib);
}

/** What stays, found by a word of the environment, which the container's program does not have. */
async function measureLeft(
  runtime: CliRuntime,
  bundle: Bundle,
): Promise<Omit<MemoryUse, "runtime" | "peaks">> {
  const id = "hull-bench-left";
  const mark = `${MARK}=${crypto.randomUUID()}`;
  Deno.env.set(MARK, mark.slice(MARK.length + 1));
  try {
    await runtime.create(bundle, id);
    const init = await runtime.pid(id);
    const createdKib = sum(new Set([init, ...processesMarked(mark)]));
    await runtime.start(id);
    const left = processesMarked(mark).filter((pid) => pid !== init);
    return { createdKib, runningKib: sum(new Set(left)), processesLeft: left.length };
  } finally {
    Deno.env.delete(MARK);
    await runtime.remove(id);
    reapOrphans(0);
  }
}

function sum(pids: ReadonlySet<number>): number {
  return [...pids].reduce((all, pid) => all + proportionalKib(pid), 0);
}

/** Halves the span between a limit that does not work and one that does. */
export async function smallestLimits(
  runtimes: readonly Runtime[],
  signal: AbortSignal,
): Promise<SmallestLimit[]> {
  const limits: SmallestLimit[] = [];
  for (const runtime of runtimes) {
    let works = MOST_KIB;
    let fails = 0;
    if (!await succeeds(runtime, works)) {
      limits.push({ runtime: runtime.name, kib: undefined });
      continue;
    }
    while (works - fails > Math.max(4, works / 32)) {
      signal.throwIfAborted();
      const middle = Math.round((works + fails) / 2);
      if (await succeeds(runtime, middle)) works = middle;
      else fails = middle;
    }
    limits.push({ runtime: runtime.name, kib: works });
  }
  return limits;
}

async function succeeds(runtime: Runtime, kib: number): Promise<boolean> {
  using bundle = trueBundle((config) => {
    config.linux.resources = { ...config.linux.resources, memory: { limit: kib * KIB } };
  });
  for (let k = 0; k < TRIES; k++) {
    const id = `hull-bench-limit-${kib}-${k}`;
    try {
      await runtime.run(bundle, id);
    } catch {
      await runtime.remove(id).catch(() => {}); // most often it is gone
      return false;
    } finally {
      reapOrphans(0);
    }
  }
  return true;
}
