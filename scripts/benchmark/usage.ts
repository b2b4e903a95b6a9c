/**
 * The processor time of this program and of its descendants.
 *
 * Source: getrusage(2).
 *
 * @module
 */

import { SyscallProgram } from "../../ffi/program/program.ts";

const RUSAGE_SELF = 0;
const RUSAGE_CHILDREN = -1;
const RUSAGE_SIZE = 144;
/** Of ru_stime; ru_utime comes first. */
const SYSTEM_AT = 16;

/** What something took. */
export interface Cost {
  /** Milliseconds on the wall. */
  readonly wall: number;
  /** Milliseconds of processor time, of user and kernel, of all processes that have ended since. */
  readonly cpu: number;
}

/**
 * Does something and measures it. What ends must be reaped by this program or below it.
 *
 * @param withOwn whether this program's own processor time counts
 */
export async function measure(work: () => Promise<void>, withOwn: boolean): Promise<Cost> {
  const cpuBefore = cpuMs(withOwn);
  const begin = performance.now();
  await work();
  const wall = performance.now() - begin;
  return { wall, cpu: cpuMs(withOwn) - cpuBefore };
}

function cpuMs(withOwn: boolean): number {
  const children = usage(RUSAGE_CHILDREN);
  return withOwn ? children + usage(RUSAGE_SELF) : children;
}

function usage(who: number): number {
  const program = new SyscallProgram([
    { syscall: "getrusage", args: [who, { space: RUSAGE_SIZE, name: "usage" }] },
  ]);
  program.run();
  const { buffer, byteOffset } = program.output("usage");
  const view = new DataView(buffer, byteOffset);
  const ms = (at: number) =>
    Number(view.getBigInt64(at, true)) * 1000 + Number(view.getBigInt64(at + 8, true)) / 1000;
  return ms(0) + ms(SYSTEM_AT);
}
