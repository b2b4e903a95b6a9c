/**
 * The paths that calls on a sandbox's files are given, and the errors that name them.
 *
 * @module
 */

import { failedWith, SyscallError } from "../../../ffi/c/errno.ts";
import { ContainerError } from "../../errors.ts";
import { syscallFailure } from "../../failures/syscall_failure.ts";

/**
 * A path as the caller gave it, absolute.
 *
 * @param home where relative ones start
 * @throws {ContainerError} `ConfigInvalid` for what is no path
 */
export function absolutePath(path: string | URL, home: string): string {
  const text = path instanceof URL ? pathOf(path) : path;
  if (text === "" || text.includes("\0")) {
    throw new ContainerError("ConfigInvalid", `${JSON.stringify(text)} is no path`, {
      hint: "a path has at least one letter, and no NUL",
    });
  }
  return text.startsWith("/") ? text : `${home}/${text}`;
}

/** The path of a file URL. */
export function pathOf(url: URL): string {
  if (url.protocol === "file:") return decodeURIComponent(url.pathname);
  throw new ContainerError("ConfigInvalid", `${url} is no file's URL`, { hint: "use a file: URL" });
}

/** A failure as the caller gets it. */
export function failure(verb: string, path: string, error: unknown): unknown {
  if (!(error instanceof SyscallError)) return error;
  const hint = failedWith(error, "ENAMETOOLONG")
    ? "a tree that deep is for a program inside, such as rm -r"
    : undefined;
  return syscallFailure(error, "SystemError", `cannot ${verb} ${path} in the sandbox`, {
    path,
    hint,
  });
}
