/**
 * Paths of the host that a container is to show at the same place.
 *
 * @module
 */

import type { BuiltinFile } from "./builtin_files.ts";

/** As the kernel: path_resolution(7). */
const MAX_LINKS = 40;

/** A path of the host, walked. */
export interface WalkedPath {
  /** Where it leads; no link is on the way there. */
  readonly path: string;
  /** The links that were met, in this order. */
  readonly links: readonly BuiltinFile[];
}

/**
 * Walks a path of the host.
 *
 * @returns what is wrong with it, if it leads nowhere
 */
export function walkHostPath(asked: string): WalkedPath | string {
  const links: BuiltinFile[] = [];
  const left = asked.split("/");
  let path = "";
  while (left.length > 0) {
    const name = left.shift() as string;
    if (name === "" || name === ".") continue;
    if (name === "..") {
      path = path.slice(0, Math.max(0, path.lastIndexOf("/")));
      continue;
    }
    const next = `${path}/${name}`;
    const target = linkAt(next);
    if (target === undefined) return "is not there on the host";
    if (target === "") {
      path = next;
      continue;
    }
    if (links.length === MAX_LINKS) return "has too many links on its way";
    links.push({ path: next, kind: "symlink", target });
    if (target.startsWith("/")) path = "";
    left.unshift(...target.split("/"));
  }
  return { path: path === "" ? "/" : path, links };
}

/** A link's target; empty for what is no link, undefined where nothing is. */
function linkAt(path: string): string | undefined {
  try {
    return Deno.lstatSync(path).isSymlink ? Deno.readLinkSync(path) : "";
  } catch {
    return undefined;
  }
}
