/**
 * hull as a program: what the launcher starts, and what the single binary is. It does not load
 * mod.ts.
 *
 * @module
 */

import { INIT_VARIABLE } from "../../init/init_variable.ts";

/** Becomes init if it was started as one, else runs the command line; does not return. */
export async function start(): Promise<never> {
  // A compiled binary is its own init.
  if (Deno.env.has(INIT_VARIABLE)) await (await import("../../init/init.ts")).startInitialization();
  Deno.exitCode = 1; // of a program that ends because nothing is left to wait for
  const { main } = await import("./main.ts");
  // Deno replaces what is not UTF-8 by this character.
  const isWhole = !Deno.args.some((word) => word.includes("\ufffd"));
  const args = isWhole ? Deno.args : (await import("../own/own_environment.ts")).ownArguments();
  Deno.exit(await main(args));
}

function fail(error: unknown): never {
  console.error(error);
  Deno.exit(1);
}

// Not awaited: a module that is loaded late may import this one, and would wait for it
// (scripts/bundle.ts).
if (import.meta.main) start().catch(fail);
