/**
 * A comparison inside a program.
 *
 * Source: FUTEX_CMP_REQUEUE(2const).
 *
 * @module
 */

import type { FieldOf, Operation, PlaceOf } from "./operation.ts";

const FUTEX_CMP_REQUEUE_PRIVATE = 128 + 4;

/**
 * A call that fails with EAGAIN unless 32 bits in memory have a value. It is a futex call that moves
 * waiters, of which there are none: the kernel compares the value first. A futex wait would compare
 * as well, but where the values are equal it takes as long as a timer, some 60 microseconds.
 */
export function comparison(place: FieldOf | PlaceOf, value: number): Operation {
  return { syscall: "futex", args: [place, FUTEX_CMP_REQUEUE_PRIVATE, 0, 0, place, value] };
}
