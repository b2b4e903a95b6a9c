/** The file that engines read a process's number from. @module */

import { ContainerError } from "../../errors.ts";
import { replaceFile } from "../../state/replace_file.ts";
import { reason } from "../output/reason.ts";

/** Whole or not at all: who waits for the file must not read half a number. */
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
