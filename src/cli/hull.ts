/**
 * hull as a program, without the library's door: what the launcher starts and the single binary is.
 *
 * @module
 */

import { INIT_VARIABLE } from "../../init/variables.ts";

/** Becomes init if it was started as one, else runs the command line; does not return. */
export async function start(): Promise<never> {
  // A compiled binary is its own init.
  if (Deno.env.has(INIT_VARIABLE)) await (await import("../../init/init.ts")).startInitialization();
  const { main } = await import("./main.ts");
  Deno.exit(await main(Deno.args));
}

if (import.meta.main) await start();
