/**
 * Which containers are shown, and in which order.
 *
 * @module
 */

import { type Row, together } from "./round.ts";

/** What the rows can be ordered by. */
export type SortName = "name" | "cpu" | "memory" | "pids" | "io" | "net" | "pressure";

/** One of them. */
export interface SortKey {
  /** The key that is pressed for it; a letter of the column's heading. */
  readonly letter: string;
  /** The value of a row: texts rise, numbers fall; undefined is last. */
  readonly of: (row: Row) => string | number | undefined;
}

/** All of them. */
export const SORT_KEYS: Readonly<Record<SortName, SortKey>> = {
  name: { letter: "n", of: ({ id }) => id },
  cpu: { letter: "c", of: ({ usage }) => usage.cpu },
  memory: { letter: "m", of: ({ usage }) => usage.memory },
  pids: { letter: "p", of: ({ usage }) => usage.pids },
  io: { letter: "i", of: ({ usage }) => together(usage.read, usage.written) },
  net: { letter: "t", of: ({ usage }) => together(usage.received, usage.sent) },
  pressure: { letter: "s", of: ({ usage }) => worstWait(usage) },
};

/** The names of all of them. */
export const SORT_NAMES = Object.keys(SORT_KEYS) as readonly SortName[];

function worstWait({ cpuWait, memoryWait, ioWait }: Row["usage"]): number | undefined {
  const waits = [cpuWait, memoryWait, ioWait].filter((wait) => wait !== undefined);
  return waits.length === 0 ? undefined : Math.max(...waits);
}

/** How the rows are chosen and ordered. */
export interface Order {
  readonly sort: SortName;
  readonly isReversed: boolean;
  /** Words of which each must be in the id, the status or the command. */
  readonly filter: string;
}

/** The rows that are shown, in their order; equal ones by id. */
export function ordered(rows: readonly Row[], { sort, isReversed, filter }: Order): Row[] {
  const words = filter.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const chosen = words.length === 0 ? [...rows] : rows.filter((row) => {
    const text = `${row.id} ${row.status} ${row.command.join(" ")}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const { of } = SORT_KEYS[sort];
  const sign = isReversed ? -1 : 1;
  return chosen.sort((one, other) => {
    const [a, b] = [of(one), of(other)];
    if (a === undefined || b === undefined) {
      if (a !== b) return a === undefined ? 1 : -1; // what is not known is last either way
    } else if (a !== b) return sign * (typeof a === "string" === a < b ? -1 : 1);
    return one.id < other.id ? -1 : 1;
  });
}
