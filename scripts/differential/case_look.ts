/**
 * What a case asks for, where that decides what is known of it.
 *
 * @module
 */

import { BASE_HOST, BASE_ROOTFS } from "./base.ts";
import { configOf } from "./bundle.ts";
import type { Json, Part, Shape } from "./case.ts";

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
  return rootfsOf(parts).has(name.replace(/^rootfs\//, "")) && name.startsWith("rootfs/") ||
    BASE_HOST.some(([each]) => name === `host/${each}`);
}

/** What lies in the rootfs of a case before anything runs. */
export function rootfsOf(parts: readonly Part[]): ReadonlyMap<string, Shape> {
  const found = new Map(BASE_ROOTFS);
  for (const part of parts) {
    if (part.kind !== "entry") continue;
    const { place, shape } = part;
    const above = place.split("/").slice(0, -1).map((_, k, names) =>
      names.slice(0, k + 1).join("/")
    );
    if (!above.every((folder) => found.get(folder)?.type === "folder")) continue;
    for (const other of found.keys()) {
      if (other === place || other.startsWith(`${place}/`)) found.delete(other);
    }
    if (shape.type !== "missing" && place !== "") found.set(place, shape);
  }
  return found;
}

/** Where a path leads, as the kernel walks it once what is missing on its way is made. */
export function walked(parts: readonly Part[], path: string): string {
  const shapes = rootfsOf(parts);
  const way: string[] = [];
  let rest = path.split("/");
  for (let links = 0, part = rest.shift(); part !== undefined; part = rest.shift()) {
    if (part === "" || part === ".") continue;
    if (part === "..") {
      way.pop();
      continue;
    }
    const shape = shapes.get([...way, part].join("/"));
    if (shape?.type !== "link" || ++links > 40) way.push(part);
    else {
      if (shape.target.startsWith("/")) way.length = 0;
      rest = [...shape.target.split("/"), ...rest];
    }
  }
  return `/${way.join("/")}`;
}

/** A path with its `..` taken out by name. */
export function collapsed(path: string): string {
  const way: string[] = [];
  for (const name of path.split("/")) {
    if (name === "..") way.pop();
    else if (name !== "" && name !== ".") way.push(name);
  }
  return `/${way.join("/")}`;
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
