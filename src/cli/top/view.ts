/**
 * What is shown, and what a key changes of it.
 *
 * @module
 */

import type { Key } from "./keys.ts";
import { type Order, ordered, SORT_KEYS, SORT_NAMES } from "./order.ts";
import type { Row } from "./round.ts";

/** A question whether a container is to be ended. */
export interface Question {
  readonly row: Row;
  readonly signal: string;
}

/** What is shown beside the rows. */
export interface View extends Order {
  /** What the keys are for. */
  readonly mode: "table" | "filter" | "question" | "help";
  /** The id of the row that keys act on; the first one until another was chosen. */
  readonly selected: string | undefined;
  /** The filter that stands again if what is typed is given up. */
  readonly formerFilter: string;
  readonly question: Question | undefined;
  /** The containers that were asked to end. */
  readonly terminated: ReadonlySet<Row["container"]>;
  /** What the last key has led to. */
  readonly message: string;
}

/** What is shown at first. */
export function firstView(order: Order): View {
  return {
    ...order,
    mode: "table",
    selected: undefined,
    formerFilter: "",
    question: undefined,
    terminated: new Set(),
    message: "",
  };
}

/** What a key asks for beside another view. */
export type Action =
  | { readonly kind: "none" | "quit" | "redraw" }
  | ({ readonly kind: "kill" } & Question);

const NONE: Action = { kind: "none" };

/**
 * The view after a key.
 *
 * @param rows all rows of the last round
 * @param page how many of them are shown at once
 */
export function pressed(
  view: View,
  key: Key,
  rows: readonly Row[],
  page: number,
): [View, Action] {
  if (key.kind === "redraw") return [view, { kind: "redraw" }];
  const { mode } = view;
  if (mode === "question") return answered(view, key);
  if (mode === "filter") return [typed(view, key), NONE];
  if (mode === "help") return [{ ...view, mode: "table" }, NONE];
  const shown = ordered(rows, view);
  if (key.kind === "text") return command({ ...view, message: "" }, key.text, shown);
  if (key.kind === "escape") return [{ ...view, filter: "", message: "" }, NONE];
  return [moved(view, key.kind, shown, page), NONE];
}

/** The place of the selected row; the nearest one if it is shown no more. */
export function selectedAt({ selected }: Pick<View, "selected">, shown: readonly Row[]): number {
  return Math.max(0, shown.findIndex(({ id }) => id === selected));
}

function command(view: View, letter: string, shown: readonly Row[]): [View, Action] {
  const sort = SORT_NAMES.find((name) => SORT_KEYS[name].letter === letter);
  if (sort !== undefined) {
    const isReversed = view.sort === sort && !view.isReversed;
    return [{ ...view, sort, isReversed }, NONE];
  }
  switch (letter) {
    case "q":
      return [view, { kind: "quit" }];
    case "r":
      return [{ ...view, isReversed: !view.isReversed }, NONE];
    case "/":
      return [{ ...view, mode: "filter", formerFilter: view.filter }, NONE];
    case "h":
    case "?":
      return [{ ...view, mode: "help" }, NONE];
    case "k":
      return [asked(view, shown), NONE];
    default:
      return [{ ...view, message: "h shows the keys" }, NONE];
  }
}

function moved(view: View, kind: string, shown: readonly Row[], page: number): View {
  const by: Readonly<Record<string, number>> = {
    up: -1,
    down: 1,
    pageUp: -page,
    pageDown: page,
    home: -Infinity,
    end: Infinity,
  };
  const steps = by[kind];
  if (steps === undefined || shown.length === 0) return { ...view, message: "" };
  const to = Math.min(shown.length - 1, Math.max(0, selectedAt(view, shown) + steps));
  return { ...view, selected: shown[to]?.id, message: "" };
}

function typed(view: View, key: Key): View {
  switch (key.kind) {
    case "text":
      return { ...view, filter: view.filter + key.text };
    case "backspace":
      return { ...view, filter: [...view.filter].slice(0, -1).join("") };
    case "clearLine":
      return { ...view, filter: "" };
    case "enter":
      return { ...view, mode: "table" };
    case "escape":
      return { ...view, mode: "table", filter: view.formerFilter };
    default:
      return view;
  }
}

/** The first question is about the stop signal, later ones of the same container are about SIGKILL. */
function asked(view: View, shown: readonly Row[]): View {
  const row = shown[selectedAt(view, shown)];
  if (row === undefined) return { ...view, message: "there is nothing to end" };
  const { id, status, container, stopSignal } = row;
  if (container === undefined || status === "stopped" || status === "broken") {
    return { ...view, message: `${id} is ${status}: there is nothing to end` };
  }
  const signal = view.terminated.has(container) ? "SIGKILL" : stopSignal;
  return { ...view, mode: "question", selected: id, question: { row, signal } };
}

function answered(view: View, key: Key): [View, Action] {
  const { question } = view;
  const table: View = { ...view, mode: "table", question: undefined };
  if (question === undefined) return [table, NONE];
  const answer = key.kind === "text" ? key.text : key.kind === "escape" ? "n" : "";
  const isYes = /^y$/i.test(answer);
  if (/^[nq]$/i.test(answer)) return [{ ...table, message: `${question.row.id} goes on` }, NONE];
  if (!isYes) return [view, NONE]; // Enter is no answer
  const terminated = new Set([...view.terminated, question.row.container]);
  return [{ ...table, terminated }, { kind: "kill", ...question }];
}
