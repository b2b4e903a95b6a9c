/**
 * An open file, executed in a child that this program does not wait for.
 *
 * Source: clone3(2), execveat(2).
 *
 * @module
 */

import { SyscallError } from "../c/errno.ts";
import { F_SETFD } from "../c/fd_numbers.ts";
import { AT_EMPTY_PATH, type Fd } from "../files/file.ts";
import type { Operation } from "../program/operation.ts";
import { SyscallProgram } from "../program/program.ts";
import {
  CLONE_ARGS_SIZE,
  CLONE_CLEAR_SIGHAND,
  CLONE_VFORK,
  CLONE_VM,
  cloneArguments,
} from "./namespaces.ts";
import { openPidfd, reapEnding } from "./process.ts";

/**
 * Executes a file in a child that shares this program's memory until then, but not its table of
 * fds. The child has no environment, and its end sends no signal.
 *
 * @param words its arguments; the first one names it
 * @param inherited the fds that it keeps, beside those that any program gets
 * @returns its pid
 * @throws {SyscallError}
 */
export function executeFile(
  file: Fd,
  words: readonly [name: string, ...rest: string[]],
  inherited: readonly number[],
): number {
  const flags = BigInt(CLONE_VM | CLONE_VFORK) | CLONE_CLEAR_SIGHAND;
  const program = new SyscallProgram([
    {
      syscall: "clone3",
      args: [cloneArguments(flags, { exitSignal: 0 }), CLONE_ARGS_SIZE],
      onPositive: "return",
      onError: "return",
    },
    ...inherited.map((fd): Operation => ({ syscall: "fcntl", args: [fd, F_SETFD, 0] })),
    {
      syscall: "execveat",
      label: "exec",
      args: [file.number, "", { words: [...words, 0] }, { words: [0] }, AT_EMPTY_PATH],
      onError: "continue",
    },
    { syscall: "exit_group", args: [127] },
  ]);
  program.run();
  const pid = program.result(0);
  if (pid < 0) throw new SyscallError("clone3", -pid);
  const error = program.result("exec");
  if (error === 0) return pid;
  using pidfd = openPidfd(pid);
  reapEnding(pidfd);
  throw new SyscallError("execveat", -error, words[0]);
}
