/** The file that engines read a process's number from. @module */

import { ContainerError } from "../errors.ts";

/** Whole or not at all: who waits for the file must not read half a number. */
export function writePidFile(path: string | undefined, pid: number): void {
  if (path === undefined) return;
  const temporary = `${path}.${Deno.pid}`;
  try {
    Deno.writeTextFileSync(temporary, String(pid), { mode: 0o644 });
    Deno.renameSync(temporary, path);
  } catch (cause) {
    try {
      Deno.removeSync(temporary);
    } catch { /* it was never made */ }
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ContainerError("SystemError", `cannot write the pid file ${path}: ${why}`, {
      path,
      cause,
    });
  }
}
