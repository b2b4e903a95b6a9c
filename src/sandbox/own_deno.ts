/**
 * The Deno that runs this program, for the programs of a sandbox.
 *
 * @module
 */

import type { Config } from "../config/types/config.ts";
import { tryStatPath } from "../../ffi/files/file_status.ts";

/** The folder inside that it is seen in. */
export const DENO_FOLDER = "/opt/deno";

/** Its file on the host; undefined for a compiled program, which is no Deno. */
export function ownDeno(): string | undefined {
  if (Deno.build.standalone) return undefined;
  const path = Deno.execPath();
  return typeof tryStatPath(path, true) === "number" ? undefined : path;
}

/** Whether a sandbox with this config has it. */
export function hasDeno({ mounts = [] }: Config): boolean {
  return mounts.some(({ destination }) => destination === `${DENO_FOLDER}/deno`);
}
