/**
 * A case: what it has beside the base, in parts that can be left out one by one.
 *
 * @module
 */

/** A value of JSON. */
export type Json = null | boolean | number | string | readonly Json[] | {
  readonly [key: string]: Json;
};

/** What lies at a place. */
export type Shape =
  | { readonly type: "folder"; readonly mode?: number; readonly owner?: number }
  | {
    readonly type: "file";
    readonly content: string;
    readonly mode?: number;
    readonly owner?: number;
  }
  | { readonly type: "link"; readonly target: string }
  | { readonly type: "fifo" }
  | { readonly type: "program" }
  | { readonly type: "missing" };

/** One thing that a case has beside the base. */
export type Part =
  /** Puts a shape at a place of the rootfs, instead of what is there. */
  | { readonly kind: "entry"; readonly place: string; readonly shape: Shape }
  /** Sets a field of config.json, named by its JSON pointer. */
  | { readonly kind: "set"; readonly at: string; readonly value: Json }
  /** Adds to a list of config.json, before its item `index` or at its end. */
  | { readonly kind: "push"; readonly at: string; readonly value: Json; readonly index?: number }
  /** Removes a field or an item. */
  | { readonly kind: "unset"; readonly at: string }
  /** Sets a field of the process.json of an `exec`, which a case with such a part ends with. */
  | { readonly kind: "exec"; readonly at: string; readonly value: Json }
  /** Removes a field of that process.json. */
  | { readonly kind: "execless"; readonly at: string }
  /** Sets a field of the resources of an `update`, which a case with such a part has. */
  | { readonly kind: "update"; readonly at: string; readonly value: Json }
  /** Gives `run` a flag. */
  | { readonly kind: "flag"; readonly word: string };

/** What a seed and a number stand for. */
export interface Case {
  readonly seed: number;
  readonly number: number;
  readonly parts: readonly Part[];
}

function pointerOf(at: string): string[] {
  return at.split("/").slice(1);
}

type Writable = Json[] | { [key: string]: Json };

/** A copy of a document with the parts laid over it, in their order. */
export function edited(base: Json, parts: readonly Part[]): Json {
  const document = structuredClone(base);
  for (const part of parts) edit(document, part);
  return document;
}

function edit(document: Json, part: Part): void {
  if (part.kind !== "set" && part.kind !== "push" && part.kind !== "unset") return;
  const names = pointerOf(part.at);
  const last = names.pop() ?? "";
  const holder = descend(document, names, part.kind !== "unset");
  if (holder === undefined) return;
  if (part.kind === "unset") {
    if (Array.isArray(holder)) holder.splice(Number(last), 1);
    else delete (holder as { [key: string]: Json })[last];
  } else if (part.kind === "push") {
    const list = [...(read(holder, last) as readonly Json[] | undefined ?? [])];
    list.splice(part.index ?? list.length, 0, part.value);
    write(holder, last, list);
  } else {
    write(holder, last, part.value);
  }
}

function descend(document: Json, names: readonly string[], make: boolean): Writable | undefined {
  let here = document as Writable;
  for (const name of names) {
    let next = read(here, name);
    if (typeof next !== "object" || next === null) {
      if (!make) return undefined;
      next = {};
      write(here, name, next);
    }
    here = next as Writable;
  }
  return here;
}

function read(holder: Writable, name: string): Json | undefined {
  return Array.isArray(holder) ? holder[Number(name)] : holder[name];
}

function write(holder: Writable, name: string, value: Json): void {
  if (Array.isArray(holder)) holder[Number(name)] = value;
  else holder[name] = value;
}
