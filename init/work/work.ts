/**
 * The work between a plan's operations that needs TypeScript, in init or, for a child without, in
 * its parent.
 *
 * @module
 */

import { errnoHint } from "../operations/errno_hints.ts";
import { syscallFailure } from "../../src/failures/syscall_failure.ts";
import { errnoText, SyscallError } from "../../ffi/c/errno.ts";
import type { Fd } from "../../ffi/files/file.ts";
import { copyUp } from "./copy_up.ts";
import type { CopyUp, MakePlace, Work } from "../operations/operation.ts";
import { isFolder, makePlace } from "./place.ts";

/**
 * Fills a new file system.
 *
 * @param doors the files of the container's cgroups, by fd: the memory that the copy takes is
 *   charged to them
 * @throws {ContainerError} `InitFailed`
 */
export function doCopyUp(item: CopyUp, from: Fd, to: Fd, doors: readonly number[]): void {
  told(item, () => copyUp(from, to, doors, item.path));
}

/**
 * Makes a place.
 *
 * @param like a file whose kind the place gets, if it is to have that of a file
 * @returns its path with all links resolved
 * @throws {ContainerError} `InitFailed`
 */
export function doPlace(item: MakePlace, root: Fd, like: Fd | undefined): string {
  return told(item, () => {
    const asFile = like === undefined ? item.end === "file" : !isFolder(like);
    return makePlace(root, item.asked, asFile ? "file" : "directory");
  });
}

function told<T>({ reason, step, path, pointer, hint }: Work, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    throw syscallFailure(error, "InitFailed", `cannot ${reason}: ${errnoText(error.errno)}`, {
      step,
      path: error.path ?? path,
      pointer,
      hint: HINTS[error.code] ?? hint ??
        errnoHint({ syscall: error.syscall, pointer }, error.errno),
    });
  }
}

const HINTS: Readonly<Record<string, string>> = {
  ENOMEM: "what is copied takes more memory than the container's cgroup may use",
  ENOSPC: "what is copied takes more than the tmpfs may hold: give it a larger size=",
  ESTALE: "somebody moves the folders that are copied",
};
