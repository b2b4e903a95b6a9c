/**
 * What an error of hull's is for containerd.
 *
 * @module
 */

import { SyscallError } from "../../../ffi/c/errno.ts";
import { ContainerError, type ContainerErrorCode } from "../../errors.ts";
import { ProtobufError } from "../../protobuf/wire.ts";
import { type StatusCode, StatusError } from "../../ttrpc/messages.ts";

const CODES: Partial<Record<ContainerErrorCode, StatusCode>> = {
  ConfigInvalid: "InvalidArgument",
  ContainerNotExists: "NotFound",
  ContainerNotPaused: "FailedPrecondition",
  ContainerNotRunning: "FailedPrecondition",
  ContainerNotStopped: "FailedPrecondition",
  ContainerPaused: "FailedPrecondition",
  IdInUse: "AlreadyExists",
  InvalidIdFormat: "InvalidArgument",
  Unsupported: "Unimplemented",
};

/** What containerd writes behind the words of an error of each code, and expects there. */
const ENDINGS: Partial<Record<StatusCode, string>> = {
  AlreadyExists: "already exists",
  FailedPrecondition: "failed precondition",
  InvalidArgument: "invalid argument",
  NotFound: "not found",
  Unavailable: "unavailable",
  Unimplemented: "not implemented",
};

/** The error as containerd is told. */
export function toldStatus(error: unknown): StatusError {
  const { code, message } = statusOf(error);
  const ending = ENDINGS[code];
  return ending === undefined || message.endsWith(`: ${ending}`)
    ? new StatusError(code, message)
    : new StatusError(code, `${message}: ${ending}`);
}

/** The error with a code of containerd's, and hull's words. */
export function statusOf(error: unknown): StatusError {
  if (error instanceof StatusError) return error;
  if (error instanceof ContainerError) {
    return new StatusError(CODES[error.code] ?? "Unknown", error.message, { cause: error });
  }
  if (error instanceof ProtobufError || error instanceof SyntaxError) {
    return new StatusError("InvalidArgument", error.message, { cause: error });
  }
  if (error instanceof SyscallError && error.code === "ENOENT") {
    return new StatusError("NotFound", error.message, { cause: error });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new StatusError("Unknown", message, { cause: error });
}

/**
 * Does what containerd asked for; what fails is told in words that its clients look for.
 *
 * @param what such as `create`
 */
export async function told<Result>(what: string, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    const { code, message } = statusOf(error);
    if (code !== "Unknown") throw error;
    throw new StatusError(code, `OCI runtime ${what} failed: ${message}`, { cause: error });
  }
}
