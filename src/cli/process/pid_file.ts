/** The file that engines read a process's number from. @module */

import { ContainerError } from "../../errors.ts";
import { replaceFile } from "../../state/replace_file.ts";
import { reason } from "../output/reason.ts";

/**
 * Writes the file whole or not at all, so that a program that waits for it never reads half a
 * number.
 */
export function writePidFile(path: string | undefined, pid: number): void {
  if (path === undefined) return;
  try {
    replaceFile(path, String(pid), 0o644);
  } catch (cause) {
    throw new ContainerError("SystemError", `cannot write the pid file ${path}: ${reason(cause)}`, {
      path,
      cause,
    });
  }
}
