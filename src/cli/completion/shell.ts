/**
 * What the scripts for several shells have in common.
 *
 * @module
 */

import { DEFAULT_ROOT } from "../../own/default_root.ts";

/** A word in single quotes, as every POSIX shell and zsh take it. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** Sets `root` to the folder that hull takes for this user if nobody names one. */
export const SHELL_ROOT = [
  `    if [[ $EUID -eq 0 ]]; then root=${DEFAULT_ROOT}`,
  "    else root=${XDG_RUNTIME_DIR:-/run/user/$EUID}/hull",
  "    fi",
].join("\n");
