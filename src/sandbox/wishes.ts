/**
 * The container that a sandbox is, as wishes for the built-in default.
 *
 * @module
 */

import { memoryBytes } from "./options/sandbox_options.ts";
import type { CheckedOptions } from "./options/sandbox_options.ts";
import type { DefaultWishes } from "../create/default_wishes.ts";
import { isOrdinaryUser } from "../own/rights.ts";
import type { AllowedNetwork } from "./allowed_network.ts";
import { firstProgram } from "./first_program.ts";
import { DENO_FOLDER, ownDeno } from "./own_deno.ts";

/** Where the first process's file is inside. */
export const FIRST_PROGRAM = "/.sandbox";

/** As hosted sandboxes have it. */
const DEFAULT_MEMORY = memoryBytes("1280MiB") as number;

/**
 * What is wished. Its files lie in memory, which its limit counts, so that limit alone bounds its
 * home.
 */
export function wishesOf(
  { memory, volumes }: CheckedOptions,
  allowed: AllowedNetwork | undefined,
): DefaultWishes {
  // An ordinary user may have no cgroups that could limit it.
  const limit = memory ?? (isOrdinaryUser() ? undefined : DEFAULT_MEMORY);
  const deno = ownDeno();
  return {
    files: { [FIRST_PROGRAM]: { content: firstProgram(), mode: 0o555 } },
    mounts: [
      {
        type: "tmpfs",
        destination: "/home",
        sizeBytes: limit ?? DEFAULT_MEMORY,
        mode: 0o755,
      },
      ...(deno === undefined
        ? []
        : [{ type: "host", source: deno, destination: `${DENO_FOLDER}/deno` } as const]),
      ...volumes.map(([destination, source]) =>
        ({ type: "host", source, destination, writable: true }) as const
      ),
    ],
    ...(allowed === undefined ? {} : { network: allowed.network, caCertificates: true }),
    ...(limit === undefined ? {} : { resources: { memory: { limit, swap: limit } } }),
  };
}
