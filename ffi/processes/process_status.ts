/**
 * What the kernel tells of a process in /proc/PID/status: proc(5).
 *
 * @module
 */

import { failedWith } from "../c/errno.ts";
import { readRecord } from "../files/file.ts";

/**
 * The text of the file, which the other functions read.
 *
 * @param proc the folder of the proc file system
 * @throws {SyscallError} ENOENT or ESRCH if there is no such process
 */
export function readStatus(pid: number | "self", proc = "/proc"): string {
  return readRecord(`${proc}/${pid}/status`);
}

/** A field of that text, such as `Name`; undefined if this kernel doesn't have it. */
export function statusField(status: string, name: string): string | undefined {
  return new RegExp(`^${name}:[ \\t]*(.*)$`, "m").exec(status)?.[1]?.trimEnd();
}

/**
 * A field that is a set of bits, such as `CapEff` or `SigIgn`; empty if this kernel doesn't have
 * it.
 */
export function statusMask(status: string, name: string): bigint {
  return BigInt(`0x${statusField(status, name) ?? "0"}`);
}

/** The signals of a set, such as that of `SigIgn`, in their order. */
export function signalsIn(mask: bigint): number[] {
  if (mask === 0n) return [];
  return Array.from({ length: 64 }, (_, k) => k + 1)
    .filter((signal) => (mask >> BigInt(signal - 1)) & 1n);
}

/** A field of a process or thread that may have ended: it is undefined then. */
export function fieldIfAlive(pid: number, name: string): string | undefined {
  try {
    return statusField(readStatus(pid), name);
  } catch (error) {
    if (failedWith(error, "ENOENT", "ESRCH")) return undefined;
    throw error;
  }
}
