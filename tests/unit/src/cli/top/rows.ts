/** Rows of a round as tests need them. */

import type { Row } from "../../../../../src/cli/top/round.ts";
import { usageOf } from "../../../../../src/cli/top/round.ts";
import { Series } from "../../../../../src/cli/top/series.ts";

/** A container that uses what is given; nothing else is known of it. */
export function row(id: string, usage: Partial<Row["usage"]> = {}, more: Partial<Row> = {}): Row {
  return {
    id,
    status: "running",
    command: ["sleep", "1000"],
    usage: { ...usageOf(undefined, undefined), ...usage },
    counted: undefined,
    history: { cpu: new Series(), memory: new Series(), io: new Series(), network: new Series() },
    stopSignal: "SIGTERM",
    container: { signal: () => {} },
    ...more,
  };
}
