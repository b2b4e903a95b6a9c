/** The calls by which a resident looks at a process: none ends the program, each tells its errno. @module */

import { AT_SYMLINK_NOFOLLOW, O_CLOEXEC, O_RDONLY } from "../../../ffi/files/file.ts";
import { STATUS_SIZE, STATX_BASIC_AND_MOUNT } from "../../../ffi/files/file_status.ts";
import type { Argument, Operation, Space } from "../../../ffi/program/operation.ts";

/** The process's folder in /proc. */
export const PROC: Argument = { result: "proc" };

/** Room for what the kernel tells. */
export function space(name: string, size: number): Space {
  return { space: size, name };
}

/** Opens a file or folder. */
export function opening(
  label: string,
  folder: Argument,
  path: Argument,
  flags: number,
): Operation {
  const args = [folder, path, flags | O_CLOEXEC];
  return { label, syscall: "openat", args, onError: "continue" };
}

/** Closes it. */
export function closing(label: string): Operation {
  return { syscall: "close", args: [{ result: label }], onError: "continue" };
}

/** Reads a file of the process; `NAME.bytes` holds it, and `NAME.read` tells how much that is. */
export function reading(name: string, size: number): Operation[] {
  const bytes = space(`${name}.bytes`, size);
  return [
    opening(name, PROC, name, O_RDONLY),
    {
      label: `${name}.read`,
      syscall: "read",
      args: [{ result: name }, bytes, size],
      onError: "continue",
    },
    closing(name),
  ];
}

/** Reads a link of the process. */
export function link(path: string, into: Argument, size: number): Operation {
  return {
    label: path,
    syscall: "readlinkat",
    args: [PROC, path, into, size],
    onError: "continue",
  };
}

/** Looks what a file is: statx(2). */
export function status(
  name: string,
  folder: Argument,
  path: string,
  flags = AT_SYMLINK_NOFOLLOW,
): Operation {
  const args = [folder, path, flags, STATX_BASIC_AND_MOUNT, space(name, STATUS_SIZE)];
  return { label: name, syscall: "statx", args, onError: "continue" };
}
