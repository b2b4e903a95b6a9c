/**
 * Turns what the kernel refused of a network into the error that the library's user gets.
 *
 * @module
 */

import { SyscallError } from "../../../ffi/c/errno.ts";
import { ContainerError } from "../../errors.ts";
import { NetlinkError } from "../netlink/socket.ts";

/** What a piece of work is about, for its error. */
export interface Subject {
  /** The interface, bridge or route. */
  readonly path?: string | undefined;
  /** The field of the config behind it. */
  readonly pointer?: string | undefined;
  readonly hint?: string | undefined;
}

/** Hints by errno that are true of any request. */
const HINTS: Readonly<Record<string, string>> = {
  EPERM: "it takes CAP_NET_ADMIN in the host's and the container's network namespace",
  EOPNOTSUPP: "this kernel lacks the kind of interface, or its module is not loaded",
};

/** The errno's name of a request or system call that failed; "" for anything else. */
export function codeOf(error: unknown): string {
  return error instanceof NetlinkError || error instanceof SyscallError ? error.code : "";
}

/**
 * The error for a request that the kernel refused, in the kernel's own words. Whatever else was
 * thrown is thrown on.
 */
export function networkFailure(
  summary: string,
  error: unknown,
  { path, pointer, hint }: Subject = {},
): ContainerError {
  if (!(error instanceof NetlinkError || error instanceof SyscallError)) throw error;
  const isRefused = error instanceof NetlinkError;
  const text = isRefused ? error.message.split(": ").slice(2).join(": ") : error.message;
  return new ContainerError("SystemError", `${summary}: ${text}`, {
    step: "network",
    syscall: isRefused ? error.request : error.syscall,
    errno: error.code,
    path,
    pointer,
    hint: hint ?? HINTS[error.code],
    cause: error,
  });
}

/** Does a piece of work; a refusal becomes an error that names its subject. */
export function attempt<Result>(summary: string, subject: Subject, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw networkFailure(summary, error, subject);
  }
}
