/**
 * Compares the times and the memory of runtimes, measured in turn in one run.
 *
 * @module
 */

import { becomeSubreaper } from "../../ffi/processes/process.ts";
import { scratchFolder } from "../../tests/fixtures/bundle.ts";
import { makeBundles } from "./bundles.ts";
import { asChart } from "./chart.ts";
import { installHull } from "./installed.ts";
import { measureLatency } from "./latency.ts";
import { measureMemory, smallestLimits } from "./memory.ts";
import { type Options, readOptions } from "./options.ts";
import type { Report } from "./report.ts";
import { findRuntimes, versions } from "./runtimes.ts";
import { asMarkdown, asText } from "./table.ts";
import { timeCases } from "./timed_cases.ts";

/** Progress, which is none of the output. */
function say(what: string): void {
  console.error(`bench: ${what}`);
}

function machine(): Report["machine"] {
  const cpuinfo = Deno.readTextFileSync("/proc/cpuinfo");
  return {
    kernel: Deno.osRelease(),
    processor: /^model name\s*:\s*(.*)$/m.exec(cpuinfo)?.[1] ?? Deno.build.arch,
    cpus: navigator.hardwareConcurrency,
    memoryMib: Math.round(Deno.systemMemoryInfo().total / 2 ** 20),
    load: Deno.loadavg()[0] ?? 0,
  };
}

async function measureAll(options: Options, signal: AbortSignal): Promise<Report> {
  becomeSubreaper(); // what a runtime leaves behind is reaped here, and its processor time counted
  const has = (name: Options["cases"][number]) => options.cases.includes(name);
  const hull = installHull();
  const about = { date: new Date().toISOString(), machine: machine(), versions: versions(hull) };
  using state = scratchFolder();
  using bundles = makeBundles();
  const [, plain] = [...bundles.made][0] ?? [];
  if (plain === undefined) throw new Error("there is no bundle");
  await using runtimes = await findRuntimes(hull, state.path, plain);
  const { usable } = runtimes;
  const cases = await timeCases(usable, bundles, options, say, signal);
  if (has("latency")) say("latency");
  const latency = has("latency")
    ? await measureLatency(bundles, state.path, options.starts, signal)
    : [];
  if (has("memory")) say("memory");
  const memory = has("memory") ? await measureMemory(usable, signal) : [];
  if (has("limit")) say("limit");
  const limits = has("limit") ? await smallestLimits(usable, signal) : [];
  const leftOut = [...bundles.leftOut, ...runtimes.leftOut];
  return { ...about, leftOut, cases, latency, memory, limits };
}

/** The first INT or TERM ends the measurement at its next step, with all that it made. */
function untilInterrupted(): AbortSignal {
  const abort = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => abort.abort(new Error(`ended by ${name}`)));
  }
  return abort.signal;
}

const options = readOptions(Deno.args);
const signal = untilInterrupted();
const report = await measureAll(options, signal).catch((error) => {
  if (!signal.aborted) throw error;
  console.error(`bench: ${signal.reason.message}; nothing of it is left`);
  Deno.exit(1);
});
console.log(asText(report));
const { json, svg, markdown } = options;
if (json !== undefined) Deno.writeTextFileSync(json, JSON.stringify(report, undefined, 2) + "\n");
if (svg !== undefined) Deno.writeTextFileSync(svg, asChart(report));
if (markdown !== undefined) Deno.writeTextFileSync(markdown, asMarkdown(report));
Deno.exit(0); // the signals' listeners would go on waiting
