/** What it costs to create a container, from the library and from the command line. @module */

import type { Factory } from "../../mod.ts";
import type { Bundle } from "../../tests/fixtures/bundle.ts";
import { createOne } from "../../tests/fixtures/crowd.ts";
import { median } from "../benchmark/statistics.ts";
import { type Cost, measure } from "../benchmark/usage.ts";

const TIMES = 40;

/** Medians, in milliseconds. */
export type CreateCost = Cost;

/** Creates some containers, each destroyed uncounted before the next. */
export async function createCost(
  factory: Factory,
  bundle: Bundle,
  prefix: string,
  signal: AbortSignal,
): Promise<CreateCost> {
  const costs: Cost[] = [];
  for (let k = 0; k < TIMES; k++) {
    signal.throwIfAborted();
    await using stack = new AsyncDisposableStack();
    costs.push(
      await measure(async () => {
        stack.use(await createOne(factory, bundle, `${prefix}${k}`));
      }, true),
    );
  }
  return { wall: median(costs.map(({ wall }) => wall)), cpu: median(costs.map(({ cpu }) => cpu)) };
}

/** How many times as much something costs as alone, of which there are several measurements. */
export function growth(cost: CreateCost, alone: readonly CreateCost[]): CreateCost {
  return {
    wall: cost.wall / median(alone.map(({ wall }) => wall)),
    cpu: cost.cpu / median(alone.map(({ cpu }) => cpu)),
  };
}
