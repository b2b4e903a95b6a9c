/**
 * Checks of the small sections at the top of config.json: version, root, names, annotations.
 *
 * @module
 */

import type { Field } from "../fields/field.ts";
import type { NamespaceSet } from "./namespaces.ts";

/** Oldest version of the spec that hull follows. */
export const OCI_VERSION_MIN = "1.0.0";
/** Newest version of the spec that hull follows. */
export const OCI_VERSION_MAX = "1.3.0";

const SEMVER = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;
/** The kernel's __NEW_UTS_LEN (uname(2)). */
const MAX_UTS_BYTES = 64;

/** `ociVersion` (config.md, Specification version): any patch and pre-release of 1.0 to 1.3. */
export function checkVersion(version: Field): void {
  const text = version.string();
  if (text === undefined) return;
  const match = SEMVER.exec(text);
  if (match === null) {
    version.mismatch("a version such as 1.3.0 (SemVer 2.0)");
    return;
  }
  const [major, minor] = [Number(match[1]), Number(match[2])];
  if (major !== 1 || minor > 3) version.mismatch("a version from 1.0 to 1.3");
}

/** `root` (config.md, Root). */
export function checkRoot(root: Field): void {
  if (!root.isObject()) return;
  root.need("path").filled();
  root.get("readonly").boolean();
}

/** `hostname` and `domainname`: short enough, and only in an uts namespace of the container. */
export function checkUtsName(name: Field, namespaces: NamespaceSet): void {
  const text = name.string();
  if (text === undefined || text === "") return;
  const bytes = new TextEncoder().encode(text).length;
  if (bytes > MAX_UTS_BYTES) {
    name.fault(`must be at most ${MAX_UTS_BYTES} bytes long, not ${bytes}`);
  }
  if (!namespaces.has("uts")) name.fault("needs a uts namespace in linux.namespaces");
}

/** `annotations` (config.md, Annotations). */
export function checkAnnotations(annotations: Field): void {
  for (const [key, value] of annotations.entries()) {
    if (key === "") value.fault("must have a name");
    value.string();
  }
}
