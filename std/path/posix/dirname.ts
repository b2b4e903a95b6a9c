/** The folder of a path. @module */

/** All of a path but its last part. */
export function dirname(path: string): string {
  const trimmed = path.replace(/(?<=.)\/+$/, "");
  const at = trimmed.lastIndexOf("/");
  if (at < 0) return ".";
  const folder = trimmed.slice(0, at).replace(/\/+$/, "");
  return folder === "" ? "/" : folder;
}
