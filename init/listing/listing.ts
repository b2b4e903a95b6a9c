/**
 * A plan as text: what `hull plan` prints, and what golden tests compare.
 *
 * @module
 */

import { showArguments } from "./arguments.ts";
import type { PlanItem } from "../operations/operation.ts";

/** One line of a listing, for programs. */
export interface ListedItem {
  readonly step: string;
  /** The system call; `jump` for none, `copyup` and `place` for work in TypeScript. */
  readonly syscall: string;
  readonly args: readonly string[];
  readonly reason: string;
  readonly path?: string;
  /** The config's field that it comes from, as a JSON pointer. */
  readonly pointer?: string;
  /** The name of its result. */
  readonly label?: string;
  /** Where it goes on after an error, unless that ends the start. */
  readonly onError?: string;
  /** Where it goes on after a result above 0, unless with the next call. */
  readonly onPositive?: string;
  /** An errno that counts as success. */
  readonly tolerated?: string;
}

/** The plan as data. */
export function listPlan(plan: readonly PlanItem[]): ListedItem[] {
  return plan.map(listItem);
}

function listItem(item: PlanItem): ListedItem {
  const { step, reason, path, pointer } = item;
  const why = {
    step,
    reason,
    ...(path === undefined ? {} : { path }),
    ...(pointer === undefined ? {} : { pointer }),
  };
  if ("work" in item) {
    if (item.work === "copyup") {
      return { ...why, syscall: item.work, args: [`<${item.from}>`, `<${item.to}>`] };
    }
    const { root, asked, label, end } = item;
    const kind = typeof end === "string" ? end : `as <${end.as}>`;
    return { ...why, syscall: item.work, args: [`<${root}>`, JSON.stringify(asked), kind], label };
  }
  const { syscall, label, tolerated, onError, onPositive } = item;
  const onward = (to: typeof onError) => typeof to === "object" ? to.jump : to;
  const [error, positive] = [onward(onError), onward(onPositive)];
  return {
    ...why,
    syscall,
    args: showArguments(item),
    ...(label === undefined ? {} : { label }),
    ...(error === undefined || error === "fail" ? {} : { onError: error }),
    ...(positive === undefined ? {} : { onPositive: positive }),
    ...(tolerated === undefined ? {} : { tolerated }),
  };
}

/**
 * The plan as lines: each step's name, each reason with its field as a comment, each call.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { formatPlan, listPlan } from "./listing.ts";
 * import { setNames } from "../steps/process/hostname.ts";
 *
 * const text = formatPlan(listPlan(setNames("web", undefined)));
 * assert(text.includes('sethostname("web", 3)'));
 * ```
 */
export function formatPlan(items: readonly ListedItem[]): string {
  let [step, why] = ["", ""];
  const lines: string[] = [];
  for (const item of items) {
    if (item.step !== step) lines.push(...(step === "" ? [] : [""]), `${item.step}:`);
    const comment = reasonLine(item);
    if (item.step !== step || comment !== why) lines.push(`  # ${comment}`);
    lines.push(`  ${callLine(item)}`);
    [step, why] = [item.step, comment];
  }
  return lines.join("\n") + "\n";
}

function reasonLine({ reason, pointer }: ListedItem): string {
  return pointer === undefined ? reason : `${reason} (${pointer})`;
}

function callLine({ syscall, args, label, tolerated, onError, onPositive }: ListedItem): string {
  const call = syscall === "jump" ? `goto ${onError}` : `${syscall}(${args.join(", ")})`;
  const named = label === undefined ? call : `${call} = <${label}>`;
  const notes = [
    ...(tolerated === undefined ? [] : [`${tolerated} is fine`]),
    ...(onError === undefined || syscall === "jump" ? [] : [`on error: ${onward(onError)}`]),
    ...(onPositive === undefined ? [] : [`on success: ${onward(onPositive)}`]),
  ];
  return notes.length === 0 ? named : `${named}  # ${notes.join("; ")}`;
}

function onward(to: string): string {
  return to === "continue" ? "go on" : to === "return" ? "back to the parent" : `goto ${to}`;
}
