/** A path without detours. @module */

/** A path without `.`, `..` and doubled slashes, as far as its text alone can tell. */
export function normalize(path: string): string {
  if (path === "") return ".";
  const isAbsolute = path.startsWith("/");
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else if (!isAbsolute) parts.push("..");
  }
  const end = path.endsWith("/") && parts.length > 0 ? "/" : "";
  const text = parts.join("/") + end;
  if (isAbsolute) return "/" + text;
  return text === "" ? (path.endsWith("/") ? "./" : ".") : text;
}
