/**
 * How what is wrong with an image is told.
 *
 * @module
 */

import { ContainerError, type ContainerErrorDetails } from "../../errors.ts";
import { visible } from "../../failures/visible.ts";

/** The longest part of a name that an error shows: an image may have any. */
const SHOWN = 200;

/** A name out of an image, safe to show. */
export function shown(name: string): string {
  return visible(JSON.stringify(name.length > SHOWN ? `${name.slice(0, SHOWN)}…` : name));
}

/** The error for an image that can't be used. */
export function imageInvalid(what: string, details: ContainerErrorDetails = {}): ContainerError {
  return new ContainerError("ImageInvalid", what, { step: "image", ...details });
}

/** The same for an entry of an archive. */
export function entryInvalid(name: string, what: string, hint?: string): ContainerError {
  return imageInvalid(`the entry ${shown(name)} ${what}`, { hint });
}
