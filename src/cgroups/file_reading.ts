/**
 * The reading of a cgroup's file by a program that reads several.
 *
 * @module
 */

import { AT_FDCWD, O_CLOEXEC, O_NOFOLLOW, O_RDONLY } from "../../ffi/files/file.ts";
import type { Operation } from "../../ffi/program/operation.ts";

/**
 * The calls that read a file from its beginning; they can be made any number of times.
 *
 * @param label of the result, which says how many bytes came or why none, and of the bytes
 * @param size as many bytes are read at most
 */
export function readingFile(label: string, path: string, size: number): Operation[] {
  const fd = `fd of ${label}`;
  const flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC;
  const file = { result: fd };
  // Where the open fails, the others fail as well, since its result is no fd.
  return [
    { syscall: "openat", label: fd, args: [AT_FDCWD, path, flags, 0], onError: "continue" },
    {
      syscall: "read",
      label,
      args: [file, { space: size, name: label }, size],
      onError: "continue",
    },
    { syscall: "close", args: [file], onError: "continue" },
  ];
}
