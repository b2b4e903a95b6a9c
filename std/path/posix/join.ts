/** Paths put together. @module */

import { normalize } from "./normalize.ts";

/** Joins paths and normalizes what comes out. */
export function join(...paths: string[]): string {
  return normalize(paths.filter((path) => path !== "").join("/"));
}
