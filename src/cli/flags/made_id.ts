/**
 * The id of a run and its command, where the id may be left out.
 *
 * @module
 */

import { usageError } from "./options.ts";

/** A run's id and its command. */
export interface Named {
  readonly id: string;
  readonly command: readonly string[] | undefined;
  /** Whether the id was left out, and is a new one. */
  readonly isMade: boolean;
}

const BYTES = 6;

/**
 * Tells the id from the command. A bundle's run names its id, as with runc, also behind a `--`.
 *
 * @param args what stood before `--`, at most the id
 * @param words what stood behind it
 * @throws {ContainerError} `ConfigInvalid` for a bundle without an id
 *
 * @example
 * ```ts
 * import { assert, assertEquals } from "@std/assert";
 * import { nameRun } from "./made_id.ts";
 *
 * assertEquals(nameRun(["web"], ["sh"], false), { id: "web", command: ["sh"], isMade: false });
 * assertEquals(nameRun([], ["web", "--", "sh"], true).id, "web");
 * assert(nameRun([], ["sh"], false).isMade);
 * ```
 */
export function nameRun(
  args: readonly string[],
  words: readonly string[] | undefined,
  isBundle: boolean,
): Named {
  const [id] = args;
  if (id !== undefined) return { id, command: words, isMade: false };
  const [first, second] = words ?? [];
  if (first !== undefined && second === "--") {
    return { id: first, command: words?.slice(2), isMade: false };
  }
  if (!isBundle) return { id: newId(), command: words, isMade: true };
  if (first !== undefined && second === undefined) {
    return { id: first, command: undefined, isMade: false };
  }
  throw usageError("an argument of hull run is missing", "a bundle's run names its container's id");
}

function newId(): string {
  return crypto.getRandomValues(new Uint8Array(BYTES)).toHex();
}
