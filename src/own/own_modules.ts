/**
 * Where the module of hull's init is: among the sources, or beside the bundle that `scripts/setup`
 * makes of them.
 *
 * @module
 */

import { VERSION } from "../version.ts";

/** The address of init's module. */
function initModule(): URL {
  const { url } = import.meta;
  // Bundled, this is a part of src/cli/hull.js.
  return new URL(url.endsWith(".ts") ? "../../init/init.ts" : "../../init/init.js", url);
}

/**
 * V8's flags for a program that ends after some milliseconds (also in scripts/launch.sh): V8 takes
 * the code of all functions from the code cache, compiles none to machine code, and collects little
 * garbage.
 */
export const BRIEFLY = "--v8-flags=--no-lazy,--jitless,--single-threaded,--min-semi-space-size=4";

/**
 * Which build of hull this is: two that can be mixed have the same name. Of sources it is their
 * version.
 */
export function buildName(): string {
  const [, bundle] = /\/\.hull\/([^/]+)\/src\//.exec(import.meta.url) ?? [];
  return `${VERSION} ${bundle ?? "sources"}`;
}

/** The arguments of Deno's command that start init. */
export function runInit(): string[] {
  const module = initModule();
  const isFile = module.protocol === "file:";
  const place = isFile ? decodeURIComponent(module.pathname) : module.href;
  const where = isFile ? "--no-remote" : "--cached-only";
  return ["run", "--quiet", "--allow-all", "--no-lock", BRIEFLY, where, "--no-config", place];
}
