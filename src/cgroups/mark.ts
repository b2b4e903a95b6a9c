/**
 * Marks a cgroup with the root folder of its container. If the container's state can't be read any
 * more, the cgroup's name alone does not tell whether it belongs to another program's container.
 *
 * Source: xattr(7), "Trusted extended attributes".
 *
 * @module
 */

import { getAttribute, setAttribute } from "../../ffi/files/attribute.ts";
import { SyscallError } from "../../ffi/c/errno.ts";
import { O_DIRECTORY, O_RDONLY, open } from "../../ffi/files/file.ts";
import { tryStatPath } from "../../ffi/files/file_status.ts";

const ATTRIBUTE = "trusted.hull";
const MAX_SIZE = 128;

/**
 * Marks a cgroup as made for a container under a root folder. If this is not permitted, as in a
 * user namespace, the cgroup stays without a mark.
 */
export function markCgroup(folder: string, root: string): void {
  try {
    using file = open(folder, O_RDONLY | O_DIRECTORY);
    setAttribute(file, ATTRIBUTE, markOf(root));
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
  }
}

/** Whether one of some cgroups was made for a container under this root folder. */
export function hasMark(folders: readonly string[], root: string): boolean {
  const mark = markOf(root);
  return folders.some((folder) => {
    const found = markAt(folder);
    return found?.length === mark.length && found.every((byte, k) => byte === mark[k]);
  });
}

function markAt(folder: string): Uint8Array | undefined {
  try {
    using file = open(folder, O_RDONLY | O_DIRECTORY);
    return getAttribute(file, ATTRIBUTE, MAX_SIZE);
  } catch (error) {
    if (error instanceof SyscallError) return undefined;
    throw error;
  }
}

/** The mark of a root folder: it is the same for every path that leads to the folder. */
function markOf(root: string): Uint8Array<ArrayBuffer> {
  const status = tryStatPath(root, true);
  const text = typeof status === "number" ? root : `${status.fileSystem}:${status.inode}`;
  return new TextEncoder().encode(text.slice(0, MAX_SIZE));
}
