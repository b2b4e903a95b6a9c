/**
 * That the host forbids programs that are files in memory.
 *
 * @module
 */

import { SyscallError } from "../../ffi/c/errno.ts";
import { ContainerError } from "../errors.ts";

/**
 * The error for such a program that could not be made or executed; others stay as they are.
 *
 * Source: the kernel's Documentation/admin-guide/sysctl/vm.rst, memfd_noexec; a service manager that
 * forbids memory to be executed ends calls alike.
 *
 * @param who which program
 */
export function forbiddenProgram(error: unknown, who: string): unknown {
  if (!(error instanceof SyscallError)) return error;
  const { syscall, code: errno } = error;
  const isForbidden = syscall === "execveat" || (syscall === "memfd_create" && errno === "EACCES");
  if (!isForbidden) return error;
  return new ContainerError("Unsupported", `${who} can't be started`, {
    syscall,
    errno,
    hint: "the host forbids executable files in memory: sysctl -w vm.memfd_noexec=1 allows them",
    cause: error,
  });
}
