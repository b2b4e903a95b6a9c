/**
 * What is said of a failure in addition: to an ordinary user, and with `--debug`.
 *
 * @module
 */

import { errnoText, SyscallError } from "../../../ffi/c/errno.ts";
import { tryStatPath } from "../../../ffi/files/file_status.ts";
import { ContainerError, hintOfErrno } from "../../errors.ts";
import { isInUserNamespace } from "../../own/rights.ts";
import { OWN_WORDS } from "./own_words.ts";
import { inSources } from "./source_map.ts";

/** Adds to an error what this caller can do about it, if that depends on the caller's rights. */
export function explained(error: unknown): unknown {
  if (error instanceof SyscallError && hintOfErrno(error.code) !== undefined) {
    const { syscall, code: errno, path } = error;
    const said = { syscall, errno, path, cause: error };
    return new ContainerError("SystemError", errnoText(error.errno), said);
  }
  if (isOfProc(error)) return ofProc(error);
  if (!(error instanceof ContainerError)) return error;
  const { code, summary, cause } = error;
  const hint = OWN_WORDS.get(error.hint ?? "") ?? hintFor(error);
  if (hint === undefined) return error;
  return new ContainerError(code, summary, { ...error.toJSON(), hint, cause });
}

function hintFor({ hint, errno, step, path = "" }: ContainerError): string | undefined {
  if (hint !== undefined) return undefined;
  if (step === undefined && errno === "EROFS") {
    return "name a folder on a file system that can be written to with --root, or without root's " +
      "rights by XDG_RUNTIME_DIR";
  }
  if (step === undefined && errno === "ENOSPC") {
    return `its file system is full, see df and df -i: make room, or name another folder with --root`;
  }
  if (Deno.uid() === 0 && !isInUserNamespace()) return undefined;
  if (errno !== "EACCES" && errno !== "EPERM") return undefined;
  return step === "cgroups"
    ? "this user can't change that cgroup: run hull where cgroups are delegated " +
      "(systemd-run --user --scope hull …), or as root"
    : ofFolder(path);
}

type OfFile = SyscallError | ContainerError;

/** Whether it is a file of proc that is missing: of this very process, which is there. */
function isOfProc(error: unknown): error is OfFile {
  if (!(error instanceof SyscallError || error instanceof ContainerError)) return false;
  const errno = error instanceof SyscallError ? error.code : error.errno;
  return errno === "ENOENT" && error.path?.startsWith("/proc/self/") === true &&
    typeof tryStatPath("/proc/self", true) === "number";
}

function ofProc(error: OfFile): ContainerError {
  return new ContainerError("Unsupported", "no proc file system is mounted at /proc", {
    path: error.path,
    errno: "ENOENT",
    hint: "mount -t proc proc /proc",
    cause: error,
  });
}

function ofFolder(path: string): string {
  const session = Deno.env.get("XDG_RUNTIME_DIR") ?? "";
  if (session !== "" && !session.startsWith("/")) {
    return `XDG_RUNTIME_DIR must be an absolute path, not ${session}; or name a folder with --root`;
  }
  if (session === "") {
    return "set XDG_RUNTIME_DIR to the session's folder (log in with one of your own, or " +
      "loginctl enable-linger), or name a folder with --root";
  }
  if (path !== session && !path.startsWith(`${session}/`)) {
    return "run hull as root (sudo hull …), or name a folder of your own with --root";
  }
  return `XDG_RUNTIME_DIR must name a folder of this user's own, such as /run/user/${Deno.uid()}; ` +
    "or name one with --root";
}

/** The error's stack and those of its causes, on one line, with places in the sources. */
export function readableStack(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const stack = inSources(error.stack ?? error.message).replaceAll(/\s*\n\s*/g, " | ");
  return error.cause === undefined ? stack : `${stack} | cause: ${readableStack(error.cause)}`;
}
