/**
 * Where in the root file system an entry of a layer goes. A name that could mean a place outside is
 * refused, though no walk would lead there: an image that has one is not what it says it is.
 *
 * Source: the OCI image-spec's layer.md.
 *
 * @module
 */

import { encodeRaw } from "../../../ffi/c/raw_text.ts";
import { entryInvalid } from "../archive/image_error.ts";

/** How deep folders may lie in each other: each costs an fd while a tree is removed. */
export const MOST_DEPTH = 255;
const MOST_BYTES = 3072;

/** The names on the way to an entry; none for the root itself. */
export type EntryPath = readonly string[];

/**
 * The way to an entry.
 *
 * @param name as it stands in the archive
 * @param says what the name is of, for the error
 * @throws {ContainerError} `ImageInvalid`
 */
export function entryPath(name: string, says = "has a name that"): EntryPath {
  if (name.startsWith("/")) throw entryInvalid(name, `${says} begins at the host's root`);
  const names = name.split("/").filter((part) => part !== "" && part !== ".");
  if (names.includes("..")) throw entryInvalid(name, `${says} leads out of its folder`);
  if (name.includes("\0")) throw entryInvalid(name, `${says} holds a NUL`);
  if (names.length > MOST_DEPTH) {
    throw entryInvalid(name, `${says} is more than ${MOST_DEPTH} folders deep`);
  }
  if (name.length > MOST_BYTES || encodeRaw(name).length > MOST_BYTES) {
    throw entryInvalid(name, `${says} has more than ${MOST_BYTES} bytes`);
  }
  return names;
}

/**
 * Checks where a symbolic link leads: inside the root the kernel stops at its top, but whoever
 * walks the files on the host does not.
 *
 * @throws {ContainerError} `ImageInvalid`
 */
export function checkTarget(name: string, path: EntryPath, target: string): void {
  if (target === "" || target.includes("\0")) throw entryInvalid(name, "is a link to nowhere");
  let depth = target.startsWith("/") ? 0 : path.length - 1;
  for (const part of target.split("/")) {
    if (part === "" || part === ".") continue;
    depth += part === ".." ? -1 : 1;
    if (depth < 0) throw entryInvalid(name, "is a link that leads out of the root file system");
  }
}

/** What an entry whose name begins with `.wh.` means. */
export type Whiteout =
  | { readonly kind: "opaque" }
  | { readonly kind: "removed"; readonly name: string }
  | { readonly kind: "ignored" };

const MARK = ".wh.";
const OPAQUE = ".wh..wh..opq";
/** What aufs keeps for itself. */
const AUFS = ".wh..wh.";

/**
 * What an entry takes away of the layers below; undefined if it is a file of its own.
 *
 * @throws {ContainerError} `ImageInvalid`
 */
export function whiteoutOf(name: string, path: EntryPath): Whiteout | undefined {
  const last = path.at(-1) ?? "";
  if (path.slice(0, -1).some((part) => part.startsWith(MARK))) {
    throw entryInvalid(name, "lies in a folder whose name marks a removed file");
  }
  if (!last.startsWith(MARK)) return undefined;
  if (last === OPAQUE) return { kind: "opaque" };
  if (last.startsWith(AUFS)) return { kind: "ignored" };
  const removed = last.slice(MARK.length);
  if (removed === "" || removed === "." || removed === "..") {
    throw entryInvalid(name, "marks no file as removed");
  }
  return { kind: "removed", name: removed };
}
