/** The file that engines read a process's number from. @module */

import { errnoText, SyscallError } from "../../../ffi/c/errno.ts";
import { ContainerError } from "../../errors.ts";
import { replaceFile } from "../../state/replace_file.ts";

/**
 * Writes the file whole or not at all, so that a program that waits for it never reads half a
 * number.
 */
export function writePidFile(path: string | undefined, pid: number): void {
  if (path === undefined) return;
  try {
    replaceFile(path, String(pid), 0o644);
  } catch (cause) {
    if (!(cause instanceof SyscallError)) throw cause;
    const { syscall, code: errno } = cause;
    const why = errnoText(cause.errno);
    throw new ContainerError("SystemError", `cannot write the pid file ${path}: ${why}`, {
      path,
      syscall,
      errno,
      hint: errno === "EEXIST"
        ? "it is no regular file: name one, or a path that is free"
        : errno === "ENOENT"
        ? "--pid-file needs a file in a folder that is there"
        : undefined,
      cause,
    });
  }
}
