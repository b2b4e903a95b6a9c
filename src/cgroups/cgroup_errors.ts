/**
 * The errors of the step `cgroups`.
 *
 * @module
 */

import { syscallFailure } from "../failures/syscall_failure.ts";
import { ContainerError, type ContainerErrorDetails } from "../errors.ts";

/** A ContainerError of the step `cgroups` for a failed system call; other errors are thrown on. */
export function cgroupError(
  summary: string,
  error: unknown,
  path: string,
  known: Pick<ContainerErrorDetails, "hint"> = {},
): ContainerError {
  return syscallFailure(error, "SystemError", summary, { step: "cgroups", path, ...known });
}

/** A value of the config that can't be used. */
export function invalidResource(summary: string, pointer: string, hint?: string): ContainerError {
  return new ContainerError("ConfigInvalid", summary, { step: "cgroups", pointer, hint });
}

/** A value of the config that this host can't give. */
export function unsupportedResource(
  summary: string,
  pointer: string | undefined,
  hint?: string,
): ContainerError {
  return new ContainerError("Unsupported", summary, { step: "cgroups", pointer, hint });
}
