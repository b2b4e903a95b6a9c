/**
 * Comparisons inside a plan: what stands at an open place must be what was asked for, or the plan
 * fails there. The comparison uses the open fd, so that nothing can be swapped in.
 *
 * Source: statx(2), inode(7); FUTEX_CMP_REQUEUE(2const).
 *
 * @module
 */

import { AT_EMPTY_PATH } from "../../../ffi/files/file.ts";
import { PROC_SUPER_MAGIC, S_IFBLK, S_IFCHR, S_IFIFO } from "../../../ffi/files/file_status.ts";
import { comparison } from "../../../ffi/program/comparison.ts";
import type { FieldOf, PlaceOf } from "../../../ffi/program/operation.ts";
import type { NodeStatus } from "../../operations/facts.ts";
import { type CallOptions, result, type StepBuilder } from "../../operations/operation.ts";

/** struct statx: its size, and where the fields stand that are compared. */
export const STATX = { size: 256, mode: 28, major: 128, minor: 132 } as const;
const STATX_BASIC = 0x7ff;
const FUTEX_WAIT_PRIVATE = 128;
const NO_TIME = new Uint8Array(16);

/** The file type of each `type` of the spec's devices. */
export const DEVICE_TYPES: Readonly<Record<string, number>> = {
  c: S_IFCHR,
  u: S_IFCHR,
  b: S_IFBLK,
  p: S_IFIFO,
};

/** Goes on only where 32 bits in memory have a value; otherwise the call fails with EAGAIN. */
export function requireEqual(
  step: StepBuilder,
  place: FieldOf | PlaceOf,
  value: number,
  options: CallOptions = {},
): void {
  step.call("futex", comparison(place, value).args, options);
}

/**
 * Goes on with the next operation only if an earlier one failed with a certain errno, otherwise at
 * `next`. The errno is compared in memory, where the result of that operation is kept.
 */
export function skipUnless(
  step: StepBuilder,
  operation: string,
  errno: number,
  { label, next }: { readonly label: string; readonly next: string },
): void {
  requireEqual(step, { placeOf: operation }, (-errno) >>> 0, { label, onError: { jump: next } });
}

/**
 * Goes on only where an open file has a type with permissions, and a device number.
 *
 * @param fd the label of the operation that opened it
 */
export function requireNode(
  step: StepBuilder,
  fd: string,
  { mode, major, minor }: NodeStatus,
): void {
  const field = { space: STATX.size, name: `${fd}.status` };
  step.call("statx", [result(fd), "", AT_EMPTY_PATH, STATX_BASIC, field]);
  requireEqual(step, { field, offset: STATX.mode }, mode);
  requireEqual(step, { field, offset: STATX.major }, major);
  requireEqual(step, { field, offset: STATX.minor }, minor);
}

/** Goes on only where an open file is on a procfs: what is mounted over it might not be one. */
export function requireProcfs(step: StepBuilder, fd: string): void {
  const field = { space: STATFS_SIZE, name: `${fd}.system` };
  step.call("fstatfs", [result(fd), field]);
  requireEqual(step, { field, offset: 0 }, PROC_SUPER_MAGIC);
}

/** Goes on only where an open file is not on a procfs. */
export function refuseProcfs(step: StepBuilder, fd: string): void {
  const field = { space: STATFS_SIZE, name: `${fd}.system` };
  const args = [{ field, offset: 0 }, FUTEX_WAIT_PRIVATE, PROC_SUPER_MAGIC, NO_TIME, 0, 0];
  step.call("fstatfs", [result(fd), field]);
  step.call("futex", args, { tolerated: "EAGAIN" });
}

/** struct statfs begins with the type; 120 bytes, with room to spare. */
const STATFS_SIZE = 256;
