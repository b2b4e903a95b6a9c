/**
 * Counters that the kernel raises, to tell of events.
 *
 * Source: eventfd(2).
 *
 * @module
 */

import { Fd, O_CLOEXEC, O_NONBLOCK, read } from "../files/file.ts";
import { checked, libc } from "../c/libc.ts";

/**
 * Makes a counter, close-on-exec: eventfd(2).
 *
 * @throws {SyscallError}
 */
export function makeEventfd(): Fd {
  return new Fd(checked("eventfd2", libc.eventfd2(0, O_CLOEXEC | O_NONBLOCK)));
}

/** Takes what a counter holds; it is 0 then. */
export function takeCount(eventfd: Fd): number {
  const bytes = read(eventfd, 8);
  return bytes === undefined ? 0 : Number(new DataView(bytes.buffer).getBigUint64(0, true));
}
