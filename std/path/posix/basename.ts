/** The last part of a path. @module */

/** The last part of a path, without `suffix` if it ends with it and is more than that. */
export function basename(path: string, suffix = ""): string {
  const trimmed = path.replace(/\/+$/, "");
  const name = trimmed.slice(trimmed.lastIndexOf("/") + 1);
  return suffix !== "" && name !== suffix && name.endsWith(suffix)
    ? name.slice(0, -suffix.length)
    : name;
}
