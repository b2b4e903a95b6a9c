/**
 * What hull is, for `--version`.
 *
 * @module
 */

import { OCI_VERSION_MAX } from "../config/validate/document.ts";
import { VERSION } from "../version.ts";

/** The lines of `--version`: name, the spec's version, and what hull runs on. */
export function versionText(): string {
  return `hull version ${VERSION}\nspec: ${OCI_VERSION_MAX}\ndeno: ${Deno.version.deno}\n`;
}
