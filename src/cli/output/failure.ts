/**
 * What is said of a failure in addition: to an ordinary user, and with `--debug`.
 *
 * @module
 */

import { ENOSYS, errnoText, SyscallError } from "../../../ffi/c/errno.ts";
import { ContainerError } from "../../errors.ts";
import { isInUserNamespace } from "../../own/rights.ts";
import { OWN_WORDS } from "./own_words.ts";
import { inSources } from "./source_map.ts";

/** Adds to an error what this caller can do about it, if that depends on the caller's rights. */
export function explained(error: unknown): unknown {
  if (error instanceof SyscallError && error.errno === ENOSYS) {
    const { syscall, code: errno, path } = error;
    const said = { syscall, errno, path, cause: error }; // for which the class itself has a hint
    return new ContainerError("SystemError", errnoText(ENOSYS), said);
  }
  if (!(error instanceof ContainerError)) return error;
  const { errno, step, code, summary, cause } = error;
  const own = OWN_WORDS.get(error.hint ?? "");
  if (own !== undefined) {
    return new ContainerError(code, summary, { ...error.toJSON(), hint: own, cause });
  }
  if (Deno.uid() === 0 && !isInUserNamespace()) return error;
  if (error.hint !== undefined || (errno !== "EACCES" && errno !== "EPERM")) return error;
  const hint = step === "cgroups"
    ? "this user can't change that cgroup: run hull where cgroups are delegated " +
      "(systemd-run --user --scope hull …), or as root"
    : ofFolder(error.path ?? "");
  return new ContainerError(code, summary, { ...error.toJSON(), hint, cause });
}

function ofFolder(path: string): string {
  const session = Deno.env.get("XDG_RUNTIME_DIR") ?? "";
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
