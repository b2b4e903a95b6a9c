/**
 * Where hull's own entries lie: among the sources, or in the bundle that `scripts/setup` makes of
 * them.
 *
 * @module
 */

/** A module that is started as a program. */
export type OwnModule = "init/init" | "src/cli/hull";

/** The address of an entry. */
export function ownModule(entry: OwnModule): URL {
  const { url } = import.meta;
  // In the bundle this is a chunk at its root, and the entries are JavaScript.
  return url.endsWith(".ts") ? new URL(`../${entry}.ts`, url) : new URL(`./${entry}.js`, url);
}

/**
 * The words of a command that start an entry, behind Deno's path.
 *
 * @param flags what is given to `deno run` beside
 */
export function runModule(entry: OwnModule, flags: readonly string[] = []): string[] {
  const module = ownModule(entry);
  const isFile = module.protocol === "file:";
  const place = isFile ? decodeURIComponent(module.pathname) : module.href;
  const kept = ["--quiet", "--allow-all", "--no-lock", isFile ? "--no-remote" : "--cached-only"];
  return ["run", ...kept, ...flags, place];
}
