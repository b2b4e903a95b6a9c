/**
 * What hull is, for `--version`.
 *
 * @module
 */

import { OCI_VERSION_MAX } from "../../config/validate/document.ts";
import { VERSION } from "../../version.ts";

/**
 * The lines of `--version`: name and version, what it was made from, the spec's version, and what
 * hull runs on. Docker and containerd take the words behind `version`, `commit:` and `spec:`.
 */
export function versionText(): string {
  return `hull version ${VERSION}\ncommit: v${VERSION}\nspec: ${OCI_VERSION_MAX}\ndeno: ${Deno.version.deno}\n`;
}
