/**
 * A program by its path, executed in a child with fds under numbers of their own.
 *
 * Source: clone3(2), dup3(2), execve(2).
 *
 * @module
 */

import { SyscallError } from "../c/errno.ts";
import { numberOf } from "../files/file.ts";
import type { Fd } from "../files/file.ts";
import { duplicate } from "../files/descriptor.ts";
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

/** What is executed. */
export interface Executed {
  /** The program's path. */
  readonly path: string;
  /** Its arguments; the first one names it. */
  readonly args: readonly string[];
  /** Its environment, each `NAME=value`. */
  readonly env: readonly string[];
  /** Its fds, in the order of their numbers from 0 on. */
  readonly fds: readonly (Fd | number)[];
}

/**
 * Executes it as the leader of a session of its own. Its end sends no signal; whoever starts it
 * waits for it by its pidfd.
 *
 * @returns its pid
 * @throws {SyscallError}
 */
export function executeProgram({ path, args, env, fds }: Executed): number {
  using stack = new DisposableStack();
  const moved = fds.map((fd) => stack.use(duplicate(numberOf(fd), fds.length)));
  const flags = BigInt(CLONE_VM | CLONE_VFORK) | CLONE_CLEAR_SIGHAND;
  const program = new SyscallProgram([
    {
      syscall: "clone3",
      args: [cloneArguments(flags, { exitSignal: 0 }), CLONE_ARGS_SIZE],
      onPositive: "return",
      onError: "return",
    },
    { syscall: "setsid", args: [], onError: "continue" },
    ...moved.map((fd, number): Operation => ({ syscall: "dup3", args: [fd.number, number, 0] })),
    {
      syscall: "execve",
      label: "exec",
      args: [path, { words: [...args, 0] }, { words: [...env, 0] }],
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
  throw new SyscallError("execve", -error, path);
}
