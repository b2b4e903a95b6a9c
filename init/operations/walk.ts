/**
 * A plan for kernels and outer filters without openat2(2): each openat2 becomes a walk, component
 * by component, in which no link is ever followed. The links that an image has were resolved when
 * the plan was made; a link that appears later makes the walk fail, and never leads outside.
 *
 * @module
 */

import { pathNames } from "../../ffi/files/path.ts";
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_PATH } from "../../ffi/files/file.ts";
import type { Argument } from "../../ffi/program/operation.ts";
import { type PlanItem, type PlannedOperation, result, type WholePlan } from "./operation.ts";

const FOLDER = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

/** The plan with every openat2 replaced. */
export function withoutOpenat2(plan: WholePlan): WholePlan;
export function withoutOpenat2(plan: readonly PlanItem[]): PlanItem[];
export function withoutOpenat2(plan: readonly PlanItem[]): readonly PlanItem[] {
  const starts = new Map<string, string>();
  const walked = plan.flatMap((item, k): readonly PlanItem[] => {
    if ("work" in item || item.syscall !== "openat2") return [item];
    const walk = walkTo(item, item.label ?? `walk${k}`);
    const first = walk[0] as PlannedOperation;
    if (item.label === undefined || first.label === item.label) return walk;
    // A jump to the operation must lead to the start of the walk.
    starts.set(item.label, first.label as string);
    return walk;
  });
  const onward = <To>(to: To): To | { readonly jump: string } => {
    if (typeof to !== "object" || to === null || !("jump" in to)) return to;
    const start = starts.get(String(to.jump));
    return start === undefined ? to : { jump: start };
  };
  return walked.map((item) =>
    "work" in item
      ? item
      : { ...item, onError: onward(item.onError), onPositive: onward(item.onPositive) }
  );
}

/** The calls that open what `item` opens, the last of them under its label. */
function walkTo(item: PlannedOperation, label: string): PlannedOperation[] {
  const [folder, path, how] = item.args as [Argument, string, Uint8Array];
  const flags = Number(new DataView(how.buffer, how.byteOffset).getBigUint64(0, true));
  const names = item.components ?? pathNames(path);
  // From the current folder no `..` leads above init's root; from an fd it may.
  if (folder !== AT_FDCWD && names.includes("..")) {
    throw new RangeError(`a walk must not go up: ${path}`);
  }
  const { step, reason, pointer, hint } = item;
  const why = { step, reason, path: item.path, pointer, hint };
  const onMiss = typeof item.onError === "object" ? { onError: item.onError } : {};
  const open = (from: Argument, name: string, mode: number) =>
    ({ ...why, syscall: "openat", args: [from, name, mode, 0] }) as const;

  const ops: PlannedOperation[] = [];
  let here = folder;
  const enter = (name: string) => {
    const place = `${label}.walk${ops.length}`;
    ops.push({ ...open(here, name, FOLDER), label: place, ...onMiss });
    here = result(place);
  };
  const isFromRoot = path.startsWith("/") || item.components !== undefined;
  if (folder === AT_FDCWD && isFromRoot) enter("/");
  for (const name of names.slice(0, -1)) enter(name);
  const way = ops.map(({ label }) => label as string);
  const { onError, onPositive, tolerated } = item;
  ops.push({
    ...open(here, names.at(-1) ?? ".", flags | O_NOFOLLOW),
    label,
    onError,
    onPositive,
    tolerated,
  });
  // With O_PATH the last open would succeed on a link itself, so a link is looked for there.
  if ((flags & O_PATH) !== 0 && (flags & O_DIRECTORY) === 0 && names.length > 0) {
    const link = new Uint8Array(8);
    ops.push(
      {
        ...why,
        syscall: "readlinkat",
        args: [result(label), "", link, link.length],
        onError: { jump: `${label}.file` },
      },
      { ...open(result(label), ".", FOLDER), ...onMiss },
      { ...why, syscall: "jump", args: [], label: `${label}.file`, onError: "continue" },
    );
  }
  for (const place of way) {
    ops.push({ ...why, syscall: "close", args: [result(place)], onError: "continue" });
  }
  return ops;
}
