/**
 * This program's own environment and arguments, byte for byte: Deno leaves out variables that are no
 * UTF-8, and replaces what is none in arguments. See `ffi/raw_text.ts`.
 *
 * Source: /proc/PID/environ and /proc/PID/cmdline in proc(5).
 *
 * @module
 */

import { open, readAll } from "../ffi/file.ts";
import { decodeRaw } from "../ffi/raw_text.ts";

/** All variables, each `NAME=value`. */
export function ownEnvironment(): readonly string[] {
  const known = Object.entries(Deno.env.toObject()).map(([name, value]) => `${name}=${value}`);
  return [...known, ...words("environ").filter((entry) => !entry.isWellFormed())];
}

/** The value of a variable; undefined without one. */
export function ownVariable(name: string): string | undefined {
  return ownEnvironment().find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);
}

/** The command line's arguments. */
export function ownArguments(): readonly string[] {
  return Deno.args.length === 0 ? [] : words("cmdline").slice(-Deno.args.length);
}

function words(file: "environ" | "cmdline"): string[] {
  using fd = open(`/proc/self/${file}`);
  const text = decodeRaw(readAll(fd));
  return text.split("\0").slice(0, -1);
}
