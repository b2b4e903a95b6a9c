/**
 * How a run ends that failed before its program ran.
 *
 * @module
 */

import { isThere } from "../../../ffi/files/file_status.ts";
import { ContainerError } from "../../errors.ts";
import type { Caller } from "../caller/caller.ts";

/** As Docker and Podman have it. */
const FAILED = 125;
const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;

const MISSING: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR"]);

/**
 * hull's exit code: for the built-in default as Docker and Podman have it, so that scripts tell
 * hull's failure from the program's; for a bundle 1, as runc has it.
 *
 * @param words all that followed the command's name
 */
export function codeOfRun(error: unknown, words: readonly string[], caller: Caller): number {
  if (!isBuiltin(words, caller)) return 1;
  if (!(error instanceof ContainerError) || error.pointer !== "/process/args/0") return FAILED;
  return MISSING.has(error.errno ?? "") ? NOT_FOUND : NOT_EXECUTABLE;
}

/** Whether they ask for no bundle; it is seen also where they could not be parsed. */
function isBuiltin(words: readonly string[], caller: Caller): boolean {
  const end = words.indexOf("--");
  const own = end < 0 ? words : words.slice(0, end);
  if (own.some((word) => /^--(?:builtin|image)(?:=|$)/.test(word))) return true;
  if (own.some((word) => /^(?:--(?:bundle|config)(?:=|$)|-[a-z]*[bf])/.test(word))) return false;
  return !isThere(`${caller.path(".")}/config.json`);
}
