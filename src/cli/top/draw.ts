/**
 * The screen of `hull top` as lines of text: a pure function of what is shown and of the terminal's
 * size.
 *
 * @module
 */

import { cellOf, chooseColumns, type ChosenColumn, headingOf } from "./columns.ts";
import { bytesText, type Charset, percentText, spark } from "./marks.ts";
import type { TerminalSize } from "../output/terminal_size.ts";
import { ordered } from "./order.ts";
import type { Round, Row } from "./round.ts";
import { styled, underlined } from "./style.ts";
import { fit, fitEnds, shown, widthOf } from "./text.ts";
import { selectedAt, type View } from "./view.ts";

/** What it can show. */
export interface Look {
  readonly charset: Charset;
  readonly hasColours: boolean;
}

/** What is drawn beside the rows. */
export interface Frame {
  readonly round: Round;
  readonly view: View;
  /** The root folder of the containers. */
  readonly root: string;
  readonly intervalMs: number;
}

/** Lines above and below the rows: a summary and the headings; the selected row's and the keys. */
const ABOVE = 2;
const BELOW = 2;
const SPARK = 15;
/** Below this height the selected row's line is left out. */
const LEAST_FOR_DETAILS = 8;

/** How many rows are shown at once. */
export function pageOf({ rows }: TerminalSize): number {
  return Math.max(1, rows - ABOVE - belowOf(rows));
}

function belowOf(rows: number): number {
  return rows < LEAST_FOR_DETAILS ? BELOW - 1 : BELOW;
}

/**
 * The lines of the screen, from the top; as many as the terminal has, each no wider than it, with
 * nothing in them that moves the cursor.
 */
export function draw(frame: Frame, size: TerminalSize, look: Look): string[] {
  const { view, round } = frame;
  const rows = ordered(round.rows, view);
  const page = pageOf(size);
  if (view.mode === "help") return fill(helpLines(size, look), size, keysLine(frame, size, look));
  const selected = selectedAt(view, rows);
  const first = Math.max(0, Math.min(selected - Math.floor(page / 2), rows.length - page));
  const columns = chooseColumns(rows, view.sort, size.columns);
  const visible = rows.slice(first, first + page);
  const lines = [
    summary(frame, rows, size, look),
    headings(columns, view, size, look),
    ...visible.map((row, k) =>
      k + first === selected
        ? selectedLine(row, columns, round.at, size, look)
        : line(row, columns, round.at, look)
    ),
  ];
  if (rows.length === 0) lines.push(cutTo(nothing(frame), size, look));
  const details = rows[selected];
  const last = keysLine(frame, size, look);
  if (details === undefined || belowOf(size.rows) < BELOW) return fill(lines, size, last);
  return fill(lines, size, minute(details, round.at, size, look), last);
}

/** The lines with the last ones at the bottom. */
function fill(lines: readonly string[], { rows }: TerminalSize, ...last: string[]): string[] {
  if (rows <= last.length) return last.slice(-rows);
  const room = rows - last.length;
  const blank = new Array<string>(Math.max(0, room - lines.length)).fill("");
  return [...lines.slice(0, room), ...blank, ...last];
}

function summary(
  { round, root }: Frame,
  rows: readonly Row[],
  size: TerminalSize,
  look: Look,
): string {
  const sum = (of: (row: Row) => number | undefined) =>
    rows.reduce((total, row) => total + (of(row) ?? 0), 0);
  const running = rows.filter(({ status }) => status === "running").length;
  const count = rows.length === round.rows.length
    ? `${rows.length}`
    : `${rows.length} of ${round.rows.length}`;
  const text = [
    `hull top`,
    `${count} container${count === "1" ? "" : "s"}, ${running} running`,
    `cpu ${percentText(sum(({ usage }) => usage.cpu))}%`,
    `memory ${bytesText(sum(({ usage }) => usage.memory))}`,
    `pids ${sum(({ usage }) => usage.pids)}`,
    shown(root),
  ].join("  ");
  return styled(fit(text, size.columns, more(look)), "name", look.hasColours);
}

function headings(
  columns: readonly ChosenColumn[],
  { sort, isReversed }: View,
  size: TerminalSize,
  { hasColours, charset }: Look,
): string {
  let width = 0;
  const parts = columns.map((column, k) => {
    const gap = k === 0 ? "" : " ";
    const isSorted = column.sort === sort;
    const style = isSorted ? "sorted" : "heading";
    const mark = isSorted ? direction(isReversed, charset) : "";
    const [before, letter, behind] = headingOf(column, mark);
    width += gap.length + column.chosen;
    return styled(gap, "heading", hasColours) + styled(before, style, hasColours) +
      underlined(letter, style, hasColours) + styled(behind, style, hasColours);
  });
  const rest = " ".repeat(Math.max(0, size.columns - width));
  return parts.join("") + styled(rest, "heading", hasColours);
}

function direction(isReversed: boolean, charset: Charset): string {
  if (charset === "ascii") return isReversed ? "^" : "v";
  return isReversed ? "▲" : "▼";
}

function line(row: Row, columns: readonly ChosenColumn[], now: number, look: Look): string {
  return columns.map((column) => {
    const { text, style } = cellOf(column, row, now, look.charset);
    return styled(text, style, look.hasColours);
  }).join(" ");
}

function selectedLine(
  row: Row,
  columns: readonly ChosenColumn[],
  now: number,
  size: TerminalSize,
  look: Look,
): string {
  const text = columns.map((column) => cellOf(column, row, now, look.charset).text).join(" ");
  return styled(fit(text, size.columns), "selected", look.hasColours);
}

/** So much of a name is shown before what else is on its line is cut. */
const LEAST_NAME = 8;

/** The last minute of the selected container. */
function minute({ id, history }: Row, now: number, size: TerminalSize, look: Look): string {
  const count = size.columns >= 100 ? SPARK : Math.max(4, Math.floor((size.columns - 40) / 4));
  const part = (name: string, values: readonly (number | undefined)[], least: number) =>
    `${name} ${spark(values, least, look.charset)}`;
  const lines = [
    part("cpu", history.cpu.parts(now, count), 20),
    part("mem", history.memory.parts(now, count), 2 ** 20),
    part("io", history.io.parts(now, count), 2 ** 10),
    part("net", history.network.parts(now, count), 2 ** 10),
  ].join("  ");
  const room = Math.max(LEAST_NAME, size.columns - widthOf(lines) - 2);
  const text = `${fitEnds(shown(id), room, more(look))}  ${lines}`;
  return styled(fit(text, size.columns, more(look)), "mark", look.hasColours);
}

function nothing({ round, view, root }: Frame): string {
  if (round.rows.length === 0) return `no container in ${shown(root)}`;
  return `no container fits ${shown(JSON.stringify(view.filter))}`;
}

/** The bottom line: a question, what is typed, a message, or the keys. */
function keysLine({ view, intervalMs }: Frame, size: TerminalSize, look: Look): string {
  const { mode, question, filter, message } = view;
  const cut = (text: string) => cutTo(text, size, look);
  // a name may be longer than the line, and what is said of it stands behind
  const ends = (text: string) => fitEnds(text, size.columns, more(look));
  if (mode === "question" && question !== undefined) {
    const { row, signal } = question;
    const text = view.terminated.has(row.container)
      ? `${shown(row.id)} was sent ${row.stopSignal}; kill it (SIGKILL)? (y/n)`
      : `send ${signal} to ${shown(row.id)}? (y/n)`;
    return styled(ends(text), "question", look.hasColours);
  }
  if (mode === "filter") return cut(`/${tail(shown(filter), size.columns - 2)}_`);
  if (mode === "help") return cut("any key: back");
  if (message !== "") return ends(shown(message));
  const kept = filter === "" ? "" : `  filter: ${shown(filter)} (Esc: all)`;
  const seconds = Number((intervalMs / 1000).toFixed(1));
  return styled(
    cut(`q quit  / filter  k kill  r reverse  h help  every ${seconds}s${kept}`),
    "dim",
    look.hasColours,
  );
}

/** The end of what is typed, where it does not fit. */
function tail(text: string, width: number): string {
  let kept = text;
  while (kept !== "" && widthOf(kept) > width) kept = kept.slice(1);
  return kept;
}

function more({ charset }: Look): string {
  return charset === "ascii" ? "~" : "…";
}

function cutTo(text: string, { columns }: TerminalSize, look: Look): string {
  return fit(text, columns, more(look)).trimEnd();
}

function helpLines(size: TerminalSize, look: Look): string[] {
  const keys = [
    ["n c m p i t s", "order by the column with that letter; again: the other way"],
    ["r", "reverse the order"],
    ["up down PgUp PgDn", "choose a container"],
    ["/", "only those whose name, status or command has all the words"],
    ["k", "end the chosen one: asks; its stop signal, the next time SIGKILL"],
    ["^L", "draw all anew"],
    ["q ^C", "quit"],
  ] as const;
  const lines = [
    "hull top: keys",
    "",
    ...keys.map(([key, meaning]) => `  ${key.padEnd(18)} ${meaning}`),
    "",
    "CPU% is of one CPU. MEMORY has the page cache in it. PRESSURE%: for how much",
    "of the time some task waited for a CPU, for memory, for I/O. -: not known.",
  ].map((line) => cutTo(line, size, look));
  return [styled(lines[0] ?? "", "name", look.hasColours), ...lines.slice(1)];
}
