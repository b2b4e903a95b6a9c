/**
 * The kernel's clocks, and how this program's `performance.now()` relates to them.
 *
 * Source: clock_gettime(2), time_namespaces(7).
 *
 * @module
 */

import { SyscallProgram } from "./program.ts";

/** The clocks by which hull measures: since the boot, and since 1970. */
export const CLOCK = { realtime: 0, monotonic: 1 } as const;

/** The size of what clock_gettime writes: a struct timespec. */
export const TIMESPEC_SIZE = 16;

const ROUNDS = 8;
const NANOSECONDS = 1_000_000_000n;

/** A struct timespec in nanoseconds. */
export function decodeTime(view: DataView, offset: number): bigint {
  return view.getBigInt64(offset, true) * NANOSECONDS + view.getBigInt64(offset + 8, true);
}

/**
 * What a clock showed, in nanoseconds, when this program's `performance.now()` was 0.
 *
 * The clock is read between two looks at `performance.now()`, a few times; the closest pair counts.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { CLOCK, clockOrigin } from "./clock.ts";
 *
 * const apart = clockOrigin(CLOCK.monotonic) - clockOrigin(CLOCK.monotonic);
 * assert(apart > -50_000n && apart < 50_000n);
 * ```
 */
export function clockOrigin(clock: number): bigint {
  let [origin, error] = [0n, Infinity];
  for (let round = 0; round < ROUNDS; round++) {
    const program = new SyscallProgram([
      { syscall: "clock_gettime", args: [clock, { space: TIMESPEC_SIZE, name: "time" }] },
    ]);
    const before = performance.now();
    program.run();
    const after = performance.now();
    if (after - before >= error) continue;
    error = after - before;
    const { buffer, byteOffset } = program.output("time");
    const middle = BigInt(Math.round((before + after) / 2 * 1e6));
    origin = decodeTime(new DataView(buffer), byteOffset) - middle;
  }
  return origin;
}
