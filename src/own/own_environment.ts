/**
 * This program's own environment and arguments, byte for byte: Deno leaves out variables that are
 * no UTF-8, and replaces what is none in arguments. See `ffi/c/raw_text.ts`. The launcher hides
 * variables from Deno that are meant for other Deno programs, and passes them on under other names.
 *
 * Source: /proc/PID/environ and /proc/PID/cmdline in proc(5); scripts/launch.sh.
 *
 * @module
 */

import { open, readAll } from "../../ffi/files/file.ts";
import { decodeRaw } from "../../ffi/c/raw_text.ts";

/**
 * Set by the launcher to this process's pid: in a process that only inherits it, it means nothing.
 */
const MARK = "HULL_CALLER";
const HANDED_OVER = `${MARK}_`;
/** The variables that the launcher sets for Deno. */
const FOR_DENO: ReadonlySet<string> = new Set(
  [MARK, "DENO_DIR", "DENO_DISABLE_NODE_SHIM", "DENO_NO_UPDATE_CHECK", "HOME"],
);

/** All variables as the caller had them, each `NAME=value`, in the caller's order. */
export function ownEnvironment(): readonly string[] {
  // Deno's order differs from process to process; variables that this program has set come last
  const known = new Map(Object.entries(Deno.env.toObject()));
  const all = words("environ").flatMap((entry) => {
    if (!entry.isWellFormed()) return [entry];
    const name = entry.slice(0, entry.indexOf("=", 1));
    const value = known.get(name);
    return known.delete(name) ? [`${name}=${value}`] : [];
  });
  for (const [name, value] of known) all.push(`${name}=${value}`);
  return Deno.env.get(MARK) === String(Deno.pid) ? callers(all) : all;
}

/**
 * The environment without the variables that the launcher set, and with those that it hid. One that
 * it set another value of has its place again.
 */
export function callers(environment: readonly string[]): readonly string[] {
  const hidden = new Map(
    environment.filter((entry) => entry.startsWith(HANDED_OVER))
      .map((entry) => [nameOf(entry).slice(HANDED_OVER.length), entry.slice(HANDED_OVER.length)]),
  );
  const all = environment.flatMap((entry) => {
    if (entry.startsWith(HANDED_OVER)) return [];
    const name = nameOf(entry);
    if (!FOR_DENO.has(name)) return [entry];
    const own = hidden.get(name);
    hidden.delete(name);
    return own === undefined ? [] : [own];
  });
  return [...all, ...hidden.values()];
}

function nameOf(entry: string): string {
  return entry.slice(0, entry.indexOf("="));
}

/** The same for a command of the host, as far as Deno can pass the variables on. */
export function commandEnvironment(
  environment: readonly string[] = ownEnvironment(),
): { readonly clearEnv: true; env: Record<string, string> } {
  const entries = environment.filter((entry) => entry.isWellFormed() && entry.includes("=", 1));
  return {
    clearEnv: true,
    env: Object.fromEntries(entries.map((entry) => {
      const end = entry.indexOf("=", 1);
      return [entry.slice(0, end), entry.slice(end + 1)];
    })),
  };
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
