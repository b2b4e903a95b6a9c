/** The cases that are timed: every runtime in turn, in each round. @module */

import { reapOrphans } from "../../ffi/processes/process.ts";
import type { Bundle } from "../../tests/fixtures/bundle.ts";
import { type BundleKind, bundleOf, type Bundles } from "./bundles.ts";
import type { CaseName, Options } from "./options.ts";
import type { TimedCase, Timing } from "./report.ts";
import type { Runtime } from "./runtime.ts";
import { median, pairedRatio, quantile } from "./statistics.ts";
import { type Cost, measure } from "./usage.ts";

/** What one measurement does. */
interface Work {
  readonly rounds: number;
  readonly containers: number;
  run(runtime: Runtime, round: number): Promise<void>;
}

/** The cases that are asked for, on each bundle. */
export async function timeCases(
  runtimes: readonly Runtime[],
  bundles: Bundles,
  options: Options,
  say: (what: string) => void,
  signal: AbortSignal,
): Promise<TimedCase[]> {
  const cases: TimedCase[] = [];
  for (const name of options.cases) {
    for (const [kind, bundle] of bundles.made) {
      const work = workOf(name, bundle, options);
      if (work === undefined) continue;
      say(`${name}, ${kind}`);
      const costs = name === "exec"
        ? await inRunning(kind, runtimes, work, signal)
        : await inTurn(runtimes, work, signal);
      const { rounds, containers } = work;
      cases.push({ name, bundle: kind, rounds, containers, timings: timings(costs, containers) });
    }
  }
  return cases;
}

function workOf(name: CaseName, bundle: Bundle, options: Options): Work | undefined {
  const { rounds, batches, sequential, atOnce } = options;
  const id = (round: number, k = 0) => `hull-bench-${name}-${round}-${k}`;
  switch (name) {
    case "run":
      return { rounds, containers: 1, run: (runtime, round) => runtime.run(bundle, id(round)) };
    case "lifecycle":
      return { rounds, containers: 1, run: (runtime, round) => runtime.live(bundle, id(round)) };
    case "exec":
      return { rounds, containers: 1, run: (runtime) => runtime.exec(LONG_ID) };
    case "sequential":
      return {
        rounds: batches,
        containers: sequential,
        async run(runtime, round) {
          for (let k = 0; k < sequential; k++) await runtime.run(bundle, id(round, k));
        },
      };
    case "at-once":
      return {
        rounds: batches,
        containers: atOnce,
        async run(runtime, round) {
          const all = Array.from({ length: atOnce }, (_, k) => runtime.run(bundle, id(round, k)));
          await Promise.all(all);
        },
      };
    default:
      return undefined;
  }
}

/**
 * The rest before each measurement. A runtime leaves the kernel work behind, such as namespaces that
 * go, and for some milliseconds a state in which others enter cgroups at once; neither is the next
 * one's.
 */
const REST_MS = 100;

const LONG_ID = "hull-bench-long";

/** Every runtime has a container that runs meanwhile. */
async function inRunning(
  kind: BundleKind,
  runtimes: readonly Runtime[],
  work: Work,
  signal: AbortSignal,
): Promise<Map<string, Cost[]>> {
  using bundle = bundleOf(kind, ["/bin/sleep", "7200"]);
  await using stack = new AsyncDisposableStack();
  for (const runtime of runtimes) {
    // Each has a cgroup of its own, so that the same id can be used.
    const config = JSON.parse(await Deno.readTextFile(`${bundle.folder}/config.json`));
    config.linux.cgroupsPath = `/hull-bench-${runtimes.indexOf(runtime)}`;
    await Deno.writeTextFile(`${bundle.folder}/config.json`, JSON.stringify(config));
    await runtime.create({ ...bundle, config }, LONG_ID);
    stack.defer(() => runtime.remove(LONG_ID));
    await runtime.start(LONG_ID);
  }
  return await inTurn(runtimes, work, signal);
}

/** One uncounted round, since the first one of a kind fills caches; then those that count. */
async function inTurn(
  runtimes: readonly Runtime[],
  work: Work,
  signal: AbortSignal,
): Promise<Map<string, Cost[]>> {
  const costs = new Map<string, Cost[]>(runtimes.map(({ name }) => [name, []]));
  for (let round = 0; round <= work.rounds; round++) {
    for (const runtime of runtimes) {
      await new Promise((resolve) => setTimeout(resolve, REST_MS));
      signal.throwIfAborted();
      const cost = await measure(async () => {
        await work.run(runtime, round);
        reapOrphans(0);
      }, runtime.isInside);
      if (round > 0) costs.get(runtime.name)?.push(cost);
    }
  }
  return costs;
}

function timings(costs: ReadonlyMap<string, readonly Cost[]>, containers: number): Timing[] {
  const of = (name: string, what: keyof Cost) =>
    (costs.get(name) ?? []).map((cost) => cost[what] / containers);
  const others = ["runc", "crun"].filter((name) => costs.has(name));
  return [...costs.keys()].map((runtime) => {
    const wall = of(runtime, "wall");
    const cpu = of(runtime, "cpu");
    return {
      runtime,
      wallMs: median(wall),
      cpuMs: median(cpu),
      middleHalfMs: [quantile(wall, 0.25), quantile(wall, 0.75)],
      ratio: Object.fromEntries(
        others.map((other) => [other, {
          wall: pairedRatio(wall, of(other, "wall")),
          cpu: pairedRatio(cpu, of(other, "cpu")),
        }]),
      ),
    };
  });
}
