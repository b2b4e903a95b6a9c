/**
 * Counters that the kernel raises, and files that change: both tell of events in a cgroup.
 *
 * Source: eventfd(2); the kernel's fs/kernfs/file.c for the polling of cgroup files.
 *
 * @module
 */

import { SyscallError } from "../c/errno.ts";
import { Fd, O_CLOEXEC, O_NONBLOCK, read } from "../files/file.ts";
import { checked, libc } from "../c/libc.ts";
import { SyscallProgram } from "../program/program.ts";

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

/**
 * Reads a small file from its beginning, wherever earlier reads ended. In a file that reports its
 * changes to poll(2), this marks the last change as seen.
 *
 * @throws {SyscallError} ENODEV if it is a cgroup's that is gone
 */
export function readFromStart(file: Fd, size = 4096): Uint8Array {
  const program = new SyscallProgram([
    { syscall: "pread64", args: [file.number, { space: size, name: "text" }, size, 0] },
  ]);
  program.run();
  const length = program.result(0);
  if (length < 0) throw new SyscallError("pread64", -length);
  return program.output("text").subarray(0, length);
}
