/**
 * The columns of the table: which of them fit, and what they say of a row.
 *
 * @module
 */

import { bar, bytesText, type Charset, percentText, spark } from "./marks.ts";
import { SORT_KEYS, type SortName } from "./order.ts";
import type { Row } from "./round.ts";
import type { Style } from "./style.ts";
import { fit, fitRight, shown, widthOf } from "./text.ts";

/** How a cell is drawn. */
export interface CellPlace {
  readonly now: number;
  readonly charset: Charset;
  readonly width: number;
}

/** A piece of a line. */
export interface Piece {
  readonly text: string;
  readonly style?: Style | undefined;
}

/** One column. */
interface Column {
  readonly heading: string;
  /** What the rows can be ordered by, for which this column is shown. */
  readonly sort?: SortName;
  readonly isLeft?: true;
  /** How wide it is, from what the rows need. */
  readonly width: (rows: readonly Row[]) => number;
  /** To how much it may grow. */
  readonly most?: number;
  readonly cell: (row: Row, place: CellPlace) => Piece;
}

type ColumnName =
  | "id"
  | "status"
  | "cpu"
  | "minute"
  | "memory"
  | "limit"
  | "pids"
  | "io"
  | "net"
  | "pressure"
  | "command";

const BAR = 10;
const LIMIT = 6;
/** What a sparkline of full height means at least, in per cent of a CPU. */
const SPARK_LEAST = 20;
const UNKNOWN = "-";

const bytes = (value: number | undefined) => value === undefined ? UNKNOWN : bytesText(value);
const pair = (one: number | undefined, other: number | undefined) =>
  `${bytes(one).padStart(5)} ${bytes(other).padStart(5)}`;
const percent = (value: number | undefined) =>
  (value === undefined ? UNKNOWN : String(Math.round(value))).padStart(3);

/** A part of a limit; undefined if there is none. */
export function partOf(value: number | undefined, limit: number | "max" | undefined) {
  if (value === undefined || limit === undefined || limit === "max") return undefined;
  return limit === 0 ? 1 : value / limit;
}

function alarm(part: number | undefined, quiet?: Style): Style | undefined {
  if (part === undefined) return undefined;
  return part >= 0.9 ? "bad" : part >= 0.75 ? "warn" : quiet;
}

/** In the order in which they are shown. */
const COLUMNS: Readonly<Record<ColumnName, Column>> = {
  id: {
    heading: "NAME",
    sort: "name",
    isLeft: true,
    width: (rows) => Math.min(16, Math.max(8, ...rows.map(({ id }) => id.length))),
    most: 48,
    cell: ({ id, status }) => ({ text: shown(id), style: status === "stopped" ? "dim" : "name" }),
  },
  status: {
    heading: "STATUS",
    isLeft: true,
    width: () => 8,
    cell: ({ status }) => ({
      text: status,
      style: status === "running" ? "good" : status === "broken" ? "bad" : "dim",
    }),
  },
  cpu: {
    heading: "CPU%",
    sort: "cpu",
    width: () => 6,
    cell: ({ usage: { cpu } }) => ({ text: cpu === undefined ? UNKNOWN : percentText(cpu) }),
  },
  minute: {
    heading: "LAST MINUTE",
    isLeft: true,
    width: () => 12,
    most: 20,
    cell: ({ history }, { now, charset, width }) => ({
      text: spark(history.cpu.parts(now, width), SPARK_LEAST, charset),
      style: "mark",
    }),
  },
  memory: {
    heading: "MEMORY",
    sort: "memory",
    width: () => 6,
    cell: ({ usage: { memory } }) => ({ text: bytes(memory) }),
  },
  limit: {
    heading: "OF LIMIT",
    isLeft: true,
    width: () => BAR + LIMIT,
    cell: ({ usage: { memory, memoryLimit: limit } }, { charset }) => {
      const part = partOf(memory, limit);
      if (part === undefined) return { text: limit === undefined ? "" : "no limit", style: "dim" };
      const text = bar(part, BAR, charset) + bytes(limit as number).padStart(LIMIT);
      return { text, style: alarm(part, "mark") };
    },
  },
  pids: {
    heading: "PIDS",
    sort: "pids",
    width: () => 5,
    cell: ({ usage: { pids, pidsLimit } }) => ({
      text: String(pids ?? UNKNOWN),
      style: alarm(partOf(pids, pidsLimit)),
    }),
  },
  io: {
    heading: " READ WRITE",
    sort: "io",
    width: () => 11,
    cell: ({ usage: { read, written } }) => ({ text: pair(read, written) }),
  },
  net: {
    heading: "   RX    TX",
    sort: "net",
    width: () => 11,
    cell: ({ usage: { received, sent } }) => ({ text: pair(received, sent) }),
  },
  pressure: {
    heading: "PRESSURE%",
    sort: "pressure",
    width: () => 11,
    cell: ({ usage: { cpuWait, memoryWait, ioWait } }) => {
      const worst = Math.max(cpuWait ?? 0, memoryWait ?? 0, ioWait ?? 0);
      const text = [cpuWait, memoryWait, ioWait].map(percent).join(" ");
      return { text, style: worst >= 50 ? "bad" : worst >= 20 ? "warn" : undefined };
    },
  },
  command: {
    heading: "COMMAND",
    isLeft: true,
    width: () => 10,
    most: Infinity,
    cell: ({ command }) => ({ text: shown(command.join(" ").slice(0, 400)), style: "dim" }),
  },
};

/** The first is shown in any case, the next ones as far as there is room. */
const BY_IMPORTANCE: readonly ColumnName[] = [
  ...["id", "cpu", "memory", "limit", "pids", "status", "io", "minute", "net"] as const,
  ...["pressure", "command"] as const,
];

/** A column with its width. */
export interface ChosenColumn extends Column {
  readonly chosen: number;
}

/**
 * The columns that fit, from left to right.
 *
 * @param sort what the rows are ordered by: its column is more important than others
 */
export function chooseColumns(
  rows: readonly Row[],
  sort: SortName,
  width: number,
): ChosenColumn[] {
  const isSorted = (name: ColumnName) => COLUMNS[name].sort === sort;
  const names = BY_IMPORTANCE.toSorted((a, b) => rank(a, isSorted) - rank(b, isSorted));
  const widths = new Map<ColumnName, number>();
  let left = width + 1; // no space behind the last one
  for (const name of names) {
    const needed = Math.max(
      COLUMNS[name].width(rows),
      Math.min(widthOf(COLUMNS[name].heading), left),
    );
    const isFirst = widths.size === 0;
    if (!isFirst && needed + 1 > left) continue;
    const taken = Math.min(needed, width);
    widths.set(name, taken);
    left -= taken + 1;
  }
  for (const name of ["minute", "id", "command"] as const) {
    const now = widths.get(name);
    if (now === undefined || left <= 0) continue;
    const wanted = name === "id" ? Math.max(...rows.map(({ id }) => id.length), now) : Infinity;
    const more = Math.min(left, Math.max(0, Math.min(wanted, COLUMNS[name].most ?? now) - now));
    widths.set(name, now + more);
    left -= more;
  }
  return (Object.keys(COLUMNS) as ColumnName[]).flatMap((name) => {
    const chosen = widths.get(name);
    return chosen === undefined ? [] : [{ ...COLUMNS[name], chosen }];
  });
}

function rank(name: ColumnName, isSorted: (name: ColumnName) => boolean): number {
  return name === "id" ? -2 : isSorted(name) ? -1 : BY_IMPORTANCE.indexOf(name);
}

/** A cell in its column's width. */
export function cellOf(column: ChosenColumn, row: Row, now: number, charset: Charset): Piece {
  const { text, style } = column.cell(row, { now, charset, width: column.chosen });
  const more = charset === "ascii" ? "~" : "…";
  const fitted = column.isLeft === true
    ? fit(text, column.chosen, more)
    : fitRight(text, column.chosen);
  return { text: fitted, style };
}

/**
 * The heading, cut at the letter of its key: what is before it, the letter, and what is behind.
 *
 * @param mark a sign that is added if there is room
 */
export function headingOf(
  { heading, sort, isLeft, chosen }: ChosenColumn,
  mark: string,
): [before: string, letter: string, behind: string] {
  const hasRoom = heading.length < chosen;
  const marked = !hasRoom ? heading : isLeft === true ? heading + mark : mark + heading;
  const text = isLeft === true ? fit(marked, chosen) : fitRight(marked, chosen);
  const at = sort === undefined ? -1 : text.toLowerCase().indexOf(SORT_KEYS[sort].letter);
  return at < 0 ? [text, "", ""] : [text.slice(0, at), text.charAt(at), text.slice(at + 1)];
}
