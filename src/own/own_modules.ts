/**
 * Where the module of hull's init is: among the sources, or beside the bundle that `scripts/setup`
 * makes of them.
 *
 * @module
 */

import { VERSION } from "../version.ts";

/** hull's own bundle, by the name of its folder; undefined in sources and in others' bundles. */
function ownBundle(): string | undefined {
  return /\/\.hull\/([^/]+)\/src\//.exec(import.meta.url)?.[1];
}

/** The address of init's module; undefined in a program of which hull was bundled to be a part. */
function initModule(): URL | undefined {
  const { url } = import.meta;
  if (url.endsWith(".ts")) return new URL("../../init/init.ts", url);
  // In hull's own bundle this is a part of src/cli/hull.js.
  return ownBundle() === undefined ? undefined : new URL("../../init/init.js", url);
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
  return `${VERSION} ${ownBundle() ?? "sources"}`;
}

/**
 * Deno's folder for init. What V8 compiled with init's flags lies with what it did for the commands:
 * above the folders that the launcher gives a resident and containerd's shim, which have other flags.
 *
 * @param folder this program's own
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { codeOfInit } from "./own_modules.ts";
 *
 * assertEquals(codeOfInit("/cache/code/shim", "bundle-1"), "/cache/code");
 * assertEquals(codeOfInit("/cache/code", "bundle-1"), "/cache/code");
 * assertEquals(codeOfInit("/home/me/shim", undefined), "/home/me/shim");
 * ```
 */
export function codeOfInit(folder: string, bundle: string | undefined = ownBundle()): string {
  return bundle === undefined ? folder : folder.replace(/\/(?:resident|shim)$/, "");
}

/** The arguments of Deno's command that start init: a part of hull, or a whole program with it. */
export function runInit(): string[] {
  const run = ["run", "--quiet", "--allow-all", "--no-lock", BRIEFLY];
  const own = initModule();
  const module = own ?? new URL(Deno.mainModule);
  const isFile = module.protocol === "file:";
  const place = isFile ? decodeURIComponent(module.pathname) : module.href;
  const where = isFile && own !== undefined ? "--no-remote" : "--cached-only";
  return own === undefined ? [...run, where, place] : [...run, where, "--no-config", place];
}
