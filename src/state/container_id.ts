/**
 * What a container may be called.
 *
 * @module
 */

import { ContainerError } from "../errors.ts";

/** An id is the name of a file, of which file systems take 255 bytes: NAME_MAX. */
const MAX_ID = 255;
const ID = /^[A-Za-z0-9_+.-]{1,255}$/;

/** How much of a wrong id an error shows. */
const SHOWN = 64;

/** Whether a name can be a container's id. */
export function isId(name: string): boolean {
  return ID.test(name) && name !== "." && name !== "..";
}

/**
 * Refuses what can't be a container's id.
 *
 * @throws {ContainerError} `InvalidIdFormat`
 */
export function requireId(id: string): void {
  if (!isId(id)) throw invalidId(id);
}

function invalidId(id: string): ContainerError {
  const shown = id.length > SHOWN ? `${id.slice(0, SHOWN)}…` : id;
  const why = id.length > MAX_ID ? `: ${id.length} characters are too many for a file's name` : "";
  return new ContainerError(
    "InvalidIdFormat",
    `invalid container id ${JSON.stringify(shown)}${why}`,
    { hint: `use 1 to ${MAX_ID} letters, digits and _ + . -` },
  );
}
