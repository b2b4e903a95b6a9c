/** A path from the root on. @module */

import { normalize } from "./normalize.ts";

/** The absolute path that the last absolute one and those behind it lead to, without a slash at its end. */
export function resolve(...paths: string[]): string {
  let all = "";
  for (const path of paths.toReversed()) {
    if (path === "") continue;
    all = all === "" ? path : `${path}/${all}`;
    if (path.startsWith("/")) break;
  }
  if (!all.startsWith("/")) all = `${Deno.cwd()}/${all}`;
  const path = normalize(all);
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}
