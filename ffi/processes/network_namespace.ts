/**
 * Runs calls in another network namespace and brings back the fds that they opened.
 *
 * No thread of this program goes there, so none has to come back. A child that shares this
 * program's memory and fds goes there, makes the calls and ends.
 *
 * Source: clone(2), setns(2).
 *
 * @module
 */

import { SyscallError } from "../c/errno.ts";
import { Fd, numberOf, O_CLOEXEC, O_NOFOLLOW } from "../files/file.ts";
import {
  CLONE_ARGS_SIZE,
  CLONE_FILES,
  CLONE_PIDFD,
  CLONE_VFORK,
  CLONE_VM,
  cloneArguments,
  NAMESPACE_FLAGS,
} from "./namespaces.ts";
import { openHow } from "../files/path.ts";
import { reapEnding } from "./process.ts";
import type { Operation } from "../program/operation.ts";
import { SyscallProgram } from "../program/program.ts";

/**
 * Makes calls in a network namespace, up to the first that fails.
 *
 * @returns the program, with the results; fds among them are open here
 * @throws {SyscallError} what failed; EINVAL of setns if the fd is not a network namespace's
 */
export function runInNetwork(namespace: Fd, work: readonly Operation[]): SyscallProgram {
  const flags = CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_PIDFD;
  const clone = cloneArguments(flags, { pidfd: "pidfd", exitSignal: 0 });
  const operations: Operation[] = [
    {
      syscall: "clone3",
      args: [clone, CLONE_ARGS_SIZE],
      onError: "return",
      onPositive: "return",
    },
    { syscall: "setns", args: [namespace.number, NAMESPACE_FLAGS.network] },
    ...work,
    { syscall: "exit_group", args: [0] },
  ];
  const program = new SyscallProgram(operations, [{ syscall: "exit_group", args: [1] }]);
  program.run();
  const failure = program.failure();
  if (failure?.index !== 0) {
    const pidfd = program.output("pidfd");
    using child = new Fd(new DataView(pidfd.buffer, pidfd.byteOffset).getInt32(0, true));
    reapEnding(child);
  }
  if (failure === undefined) return program;
  throw new SyscallError(operations[failure.index]?.syscall ?? "clone3", failure.errno);
}

/**
 * Opens files below a folder as a process of a network namespace: /proc/sys/net shows the settings
 * of the namespace of the process that opens it.
 *
 * @param resolve how the paths may be walked, as openat2(2) has it; without it there is no openat2,
 *   and only the last name may not be a link
 * @returns for each its fd, or the errno
 * @throws {SyscallError} if nobody can go there
 */
export function openInNetwork(
  namespace: Fd,
  folder: Fd,
  paths: readonly string[],
  flags: number,
  resolve: number | undefined,
): (Fd | number)[] {
  const at = numberOf(folder);
  const program = runInNetwork(
    namespace,
    paths.map((path, k): Operation => {
      const label = String(k);
      if (resolve === undefined) {
        const args = [at, path, flags | O_NOFOLLOW | O_CLOEXEC, 0];
        return { label, syscall: "openat", args, onError: "continue" };
      }
      const how = openHow(flags, 0, resolve);
      return { label, syscall: "openat2", args: [at, path, how, how.length], onError: "continue" };
    }),
  );
  return paths.map((_, k) => {
    const result = program.result(String(k));
    return result < 0 ? -result : new Fd(result);
  });
}
