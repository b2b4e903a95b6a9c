/**
 * The starter as a program of system calls: the parent of the process that serves, which starts
 * another one when that is killed.
 *
 * @module
 */

import { LAST_FD } from "../../../ffi/c/fd_numbers.ts";
import {
  AT_FDCWD,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
} from "../../../ffi/files/file.ts";
import { PR } from "../../../ffi/processes/credentials.ts";
import {
  P_PID,
  P_PIDFD,
  PID_OFFSET,
  SIGINFO_SIZE,
  WALL,
  WEXITED,
  WNOHANG,
  WNOWAIT,
} from "../../../ffi/processes/process.ts";
import { SIGCHLD } from "../../../ffi/c/signal_numbers.ts";
import type { Operation } from "../../../ffi/program/operation.ts";

const P_ALL = 0;
const LOCK_EX = 2;
const LOCK_UN = 8;
/** A tenth of a second, so that a process that ends at once costs little. */
const PAUSE = new Uint8Array(new BigInt64Array([0n, 100_000_000n]).buffer);

/** What is started. */
export interface Started {
  readonly path: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  /** The file for its output. */
  readonly log: string;
  /** The file in which it writes how its children end, each as a siginfo_t. */
  readonly ended: string;
  /** The file whose lock is held by who serves: until it is free, nothing is started. */
  readonly lock: string;
}

/**
 * The program. Whoever serves ends it before ending by itself. It adopts the further processes of
 * one that was killed, and writes down how they end: for as long as nobody takes their statuses,
 * the first process of their pid namespace can't end.
 */
export function starterProgram({ path, args, env, log, ended, lock }: Started): Operation[] {
  return [
    call("close_range", [0, LAST_FD, 0]),
    call("openat", [AT_FDCWD, "/dev/null", O_RDWR, 0]),
    call("openat", [AT_FDCWD, log, FRESH, 0o600]),
    call("dup3", [1, 2, 0]),
    call("setsid", []),
    call("chdir", ["/"]),
    call("prctl", [PR.SET_CHILD_SUBREAPER, 1, 0, 0, 0]),
    { ...call("openat", [AT_FDCWD, lock, O_RDWR | O_CREAT | O_CLOEXEC, 0o600]), label: "lock" },
    // Who serves may be there still, when its own starter was killed.
    { ...call("flock", [{ result: "lock" }, LOCK_EX]), label: "server" },
    call("flock", [{ result: "lock" }, LOCK_UN]),
    {
      ...call("clone", [SIGCHLD, 0, 0, 0, 0]),
      label: "served",
      onPositive: { jump: "parent" },
      onError: { jump: "pause" },
    },
    call("execve", [path, { words: [...args, 0] }, { words: [...env, 0] }]),
    call("exit_group", [127]),
    { ...call("pidfd_open", [{ result: "served" }, 0]), label: "parent" },
    { ...call("openat", [AT_FDCWD, ended, APPENDED | O_CLOEXEC, 0o600]), label: "ended" },
    // Its status is taken once that is written down: until then nobody else can have its number,
    // and if the starter is killed between the two, its status is there for who adopts it then.
    { ...call("waitid", [P_ALL, 0, END, WEXITED | WALL | WNOWAIT, 0]), label: "wait" },
    {
      ...call("write", [{ result: "ended" }, END, SIGINFO_SIZE]),
      onError: { jump: "full" },
    },
    call("waitid", [P_PID, { heldIn: END, offset: PID_OFFSET }, 0, WEXITED | WALL | WNOHANG, 0]),
    // Its number may be another process's by now, but not by its pidfd.
    {
      ...call("pidfd_send_signal", [{ result: "parent" }, 0, 0, 0]),
      onError: { jump: "gone" },
    },
    jump("wait"),
    // Without room for it a status stays where it is, but for that of the process that serves.
    {
      ...call("waitid", [P_PIDFD, { result: "parent" }, 0, WEXITED | WALL | WNOHANG, 0]),
      label: "full",
    },
    {
      ...call("pidfd_send_signal", [{ result: "parent" }, 0, 0, 0]),
      onError: { jump: "gone" },
    },
    call("close", [{ result: "ended" }]),
    call("nanosleep", [PAUSE, 0]),
    jump("ended"),
    { ...call("close", [{ result: "parent" }]), label: "gone" },
    call("close", [{ result: "ended" }]),
    { ...call("nanosleep", [PAUSE, 0]), label: "pause" },
    jump("server"),
  ];
}

const END = { space: SIGINFO_SIZE, name: "end" } as const;
const APPENDED = O_WRONLY | O_CREAT | O_APPEND;
const FRESH = APPENDED | O_TRUNC;

function jump(label: string): Operation {
  return { syscall: "jump", args: [], onError: { jump: label } };
}

function call(syscall: Operation["syscall"], args: Operation["args"]): Operation {
  return { syscall, args, onError: "continue" };
}
