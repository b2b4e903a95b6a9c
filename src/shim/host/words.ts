/**
 * What the shim says where no call is answered: containerd copies what comes out of a fifo in a
 * container's bundle into its own log.
 *
 * @module
 */

import { O_NONBLOCK, O_WRONLY, open, writeAll } from "../../../ffi/files/file.ts";
import { SyscallError } from "../../../ffi/c/errno.ts";

/** An error, or a sentence, as one line. */
export function wordsOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll(/\s*\n\s*/g, " ");
}

/** Writes a line into the shim's own log, if there is room for it: `console.error` fails without. */
export function note(error: unknown): void {
  const line = `${new Date().toISOString()} ${wordsOf(error)}\n`;
  try {
    Deno.stderr.writeSync(new TextEncoder().encode(line));
  } catch {
    // what it tells of is often that very want of room
  }
}

/** Writes a line into a container's log, if containerd reads it. */
export function tell(bundle: string, error: unknown): void {
  const time = new Date().toISOString();
  const line = `time="${time}" level=warning msg=${JSON.stringify(wordsOf(error))} runtime=hull\n`;
  try {
    using log = open(`${bundle}/log`, O_WRONLY | O_NONBLOCK);
    writeAll(log, new TextEncoder().encode(line));
  } catch (failure) {
    if (!(failure instanceof SyscallError)) throw failure;
  }
}
