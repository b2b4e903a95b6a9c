/** What it costs to create a container, from the library and from the command line. @module */

import type { Factory } from "../../mod.ts";
import type { Bundle } from "../../tests/fixtures/bundle.ts";
import { createOne } from "../../tests/fixtures/crowd.ts";
import { CliRuntime } from "../benchmark/cli_runtime.ts";
import { median } from "../benchmark/statistics.ts";
import { type Cost, measure } from "../benchmark/usage.ts";

const TIMES = 30;

/** Medians, in milliseconds: of the library's `create` and `start`, and of the command `create`. */
export interface CreateCost {
  readonly library: Cost;
  readonly command: Cost;
}

/**
 * Creates some containers either way, each removed uncounted before the next.
 *
 * @param command hull's
 */
export async function createCost(
  command: string,
  factory: Factory,
  bundle: Bundle,
  prefix: string,
  signal: AbortSignal,
): Promise<CreateCost> {
  const hull = new CliRuntime("hull", [command, "--root", factory.root]);
  const library: Cost[] = [];
  const called: Cost[] = [];
  for (let k = 0; k < TIMES; k++) {
    signal.throwIfAborted();
    await using stack = new AsyncDisposableStack();
    const createHere = async () =>
      void stack.use(await createOne(factory, bundle, `${prefix}${k}`));
    library.push(await measure(createHere, true));
    const id = `${prefix}command-${k}`;
    stack.defer(() => hull.remove(id));
    called.push(await measure(() => hull.create(bundle, id), false));
  }
  return { library: medians(library), command: medians(called) };
}

function medians(costs: readonly Cost[]): Cost {
  return { wall: median(costs.map(({ wall }) => wall)), cpu: median(costs.map(({ cpu }) => cpu)) };
}

/** How many times as much something costs as alone, of which there are several measurements. */
export function growth(
  cost: CreateCost,
  alone: readonly CreateCost[],
  way: keyof CreateCost,
): Cost {
  const usual = medians(alone.map((one) => one[way]));
  return { wall: cost[way].wall / usual.wall, cpu: cost[way].cpu / usual.cpu };
}
