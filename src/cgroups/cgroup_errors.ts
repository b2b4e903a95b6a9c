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

const HINTS: readonly (readonly [file: RegExp, errnos: readonly string[], hint: string])[] = [
  [
    /^cpuset\.(cpus|mems)/,
    ["EINVAL", "ERANGE", "EACCES", "ENOSPC"],
    "they must be among those of the cgroup above; lscpu lists the host's CPUs and NUMA nodes",
  ],
  [
    /^(blkio|io)\./,
    ["ENODEV"],
    "major and minor must be those of a whole disk of this host: lsblk lists them",
  ],
  [/^memory\./, ["EBUSY"], "more is in use, and can't be given back: choose a higher limit"],
];

/** What to do where the kernel does not take a value; undefined where the errno says enough. */
export function valueHint(name: string, errno: string): string | undefined {
  return HINTS.find(([file, errnos]) => file.test(name) && errnos.includes(errno))?.[2];
}
