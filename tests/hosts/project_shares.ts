/**
 * The folders that the tests need in a machine: the project, and Deno with what it compiled.
 *
 * @module
 */

import { CacheFolder } from "./cache.ts";
import type { Share } from "./shares.ts";
import { exists } from "../fixtures/exists.ts";

/** Where the launcher looks for Deno, whoever the user is (scripts/find_deno.sh). */
const DENO_PLACE = "/var/cache/hull";

/** Lays Deno into a folder of its own, so that a machine sees no other program of this host. */
export async function sharesOf(
  project: string,
): Promise<(Share & { readonly place?: string })[]> {
  const shares = [
    { tag: "project", folder: project },
    { tag: "deno", folder: await layDeno(), place: DENO_PLACE },
  ];
  const compiled = Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`;
  return exists(compiled)
    ? [...shares, { tag: "compiled", folder: Deno.realPathSync(compiled), place: DENO_DIR }]
    : shares;
}

/** What Deno keeps, in the machine. */
export const DENO_DIR = "/var/cache/deno";

async function layDeno(): Promise<string> {
  using cache = await CacheFolder.take("deno");
  const folder = `${cache.path}/${Deno.version.deno}`;
  const name = `deno-${Deno.version.deno}`;
  if (!cache.isReady(name, Deno.execPath())) {
    Deno.mkdirSync(folder, { recursive: true });
    Deno.copyFileSync(Deno.execPath(), `${folder}/${name}`);
    Deno.chmodSync(`${folder}/${name}`, 0o755);
    cache.ready(name, Deno.execPath());
  }
  return folder;
}
