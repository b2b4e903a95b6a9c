/**
 * What a process does with a signal.
 *
 * Source: proc(5), `status`; pid_namespaces(7): the first process of a pid namespace gets no signal
 * that it has no handler for.
 *
 * @module
 */

import { readText } from "../../../ffi/files/file.ts";
import { statusMask } from "../../../ffi/processes/process_status.ts";
import { ContainerError } from "../../errors.ts";
import type { Process } from "../../process.ts";

/**
 * - `handled`: by a handler of its own, or by the signal's own effect
 * - `ignored`: on purpose
 * - `deaf`: it has no handler, and as the first process of its pid namespace it is not ended
 * - `gone`: it has ended
 */
export type Answer = "handled" | "ignored" | "deaf" | "gone";

/** What a process, by its number on the host, does with a signal. */
export function answerTo(signal: number, pid: number): Answer {
  const status = readProc(`${pid}/status`);
  if (status === "") return "gone";
  const has = (set: string) => (statusMask(status, set) >> BigInt(signal - 1) & 1n) === 1n;
  if (has("SigCgt")) return "handled";
  if (has("SigIgn")) return "ignored";
  return /^NSpid:.*\s1$/m.test(status) ? "deaf" : "handled";
}

/** Kills a process, which may have ended meanwhile. */
export function kill(process: Process): void {
  try {
    process.signal("SIGKILL");
  } catch (error) {
    if (!(error instanceof ContainerError && error.code === "ContainerNotRunning")) throw error;
  }
}

/** A file of /proc; empty once its process has ended. */
export function readProc(path: string): string {
  try {
    return readText(`/proc/${path}`);
  } catch {
    return "";
  }
}
