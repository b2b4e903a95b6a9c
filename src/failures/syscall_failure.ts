/**
 * A failed system call as the error that the library's user gets.
 *
 * @module
 */

import { SyscallError } from "../../ffi/c/errno.ts";
import { ContainerError, type ContainerErrorCode, type ContainerErrorDetails } from "../errors.ts";

/** What the caller knows beside the call and its errno. */
type Known = Omit<ContainerErrorDetails, "syscall" | "errno" | "faults" | "cause">;

/**
 * The error for a system call that failed, with the call and its errno. Any other error does not
 * come from the kernel, and is thrown on.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { SyscallError } from "../../ffi/c/errno.ts";
 * import { syscallFailure } from "./syscall_failure.ts";
 *
 * const cause = new SyscallError("openat", 2);
 * const error = syscallFailure(cause, "SystemError", "cannot open it", { path: "/nowhere" });
 * assert(error.syscall === "openat" && error.errno === "ENOENT" && error.path === "/nowhere");
 * ```
 */
export function syscallFailure(
  cause: unknown,
  code: ContainerErrorCode,
  summary: string,
  known: Known,
): ContainerError {
  if (!(cause instanceof SyscallError)) throw cause;
  const { syscall, code: errno } = cause;
  return new ContainerError(code, summary, { ...known, syscall, errno, cause });
}
