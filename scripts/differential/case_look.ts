/**
 * What a case asks for, where that decides what is known of it.
 *
 * @module
 */

import { BASE_HOST, BASE_ROOTFS } from "./base.ts";
import { configOf } from "./bundle.ts";
import type { Json, Part } from "./case.ts";

/** A mount as a case has it: any field may be missing. */
export interface DrawnMount {
  readonly destination?: string;
  readonly type?: string;
  readonly options?: readonly string[];
}

/** The field of a case's config that a pointer of two or three names leads to. */
export function fieldOf(parts: readonly Part[], ...names: readonly string[]): Json | undefined {
  let here: Json | undefined = configOf(parts);
  for (const name of names) {
    if (typeof here !== "object" || here === null) return undefined;
    here = (here as { readonly [key: string]: Json })[name];
  }
  return here;
}

/** The mounts of a case, in their order. */
export function mountsOf(parts: readonly Part[]): readonly DrawnMount[] {
  return (fieldOf(parts, "mounts") ?? []) as readonly DrawnMount[];
}

/** Whether the container has a user namespace. */
export function hasUserNamespace(parts: readonly Part[]): boolean {
  const namespaces = (fieldOf(parts, "linux", "namespaces") ?? []) as readonly { type?: string }[];
  return namespaces.some(({ type }) => type === "user");
}

/** Whether a case has an exec that sets a field of its process. */
export function execField(parts: readonly Part[], at: string): Json | undefined {
  return parts.flatMap((part) => part.kind === "exec" && part.at === at ? [part.value] : []).at(-1);
}

/** Whether a list of paths in `linux` has one of these. */
export function covers(
  parts: readonly Part[],
  list: "maskedPaths" | "readonlyPaths",
  paths: readonly string[],
): boolean {
  const own = fieldOf(parts, "linux", list);
  return Array.isArray(own) && own.some((path) => paths.includes(String(path)));
}

/** Whether something of a case stands at a place of the rootfs, above or below it. */
export function touches(parts: readonly Part[], name: string): boolean {
  return parts.some((part) =>
    part.kind === "entry"
      ? part.place.split("/").includes(name)
      : part.kind !== "flag" && JSON.stringify(part).split(/[/"]/).includes(name)
  );
}

/** Whether a place of the bundle was there before anything ran. */
export function wasThere(parts: readonly Part[], place: string): boolean {
  const name = place.replace(/^\.\//, "");
  return BASE_ROOTFS.some(([each]) => name === `rootfs/${each}`) ||
    BASE_HOST.some(([each]) => name === `host/${each}`) ||
    parts.some((part) => part.kind === "entry" && name === `rootfs/${part.place}`);
}

/** The names that a path of a case may have on its way: its own, and those that links lead to. */
export function namesOn(parts: readonly Part[], path: string): ReadonlySet<string> {
  const shapes = [
    ...BASE_ROOTFS.map(([, shape]) => shape),
    ...parts.flatMap((part) => part.kind === "entry" ? [part.shape] : []),
  ];
  const targets = shapes.flatMap((shape) => shape.type === "link" ? [shape.target] : []);
  return new Set([path, ...targets].flatMap((each) => each.split("/")));
}
