/**
 * The first process of a sandbox: an executable of a few system calls that waits for ever.
 *
 * It ignores SIGCHLD, so that the kernel itself takes the status of processes that end without a
 * parent. It has no handler for any signal, and the kernel drops those that come from inside: no
 * program of a sandbox can end it, stop it, or end its neighbour by ending it.
 *
 * Source: wait(2), NOTES; pid_namespaces(7), The namespace init process.
 *
 * @module
 */

import type { Operation } from "../../ffi/program/operation.ts";
import { programImage } from "../../ffi/program/program_image.ts";

const SIGCHLD = 17;
const SIG_IGN = 1n;
/** In bytes, as the kernel has it. */
const SIGSET_SIZE = 8;

/** The bytes of the executable. */
export function firstProgram(): Uint8Array<ArrayBuffer> {
  const ignore = new Uint8Array(new BigInt64Array([SIG_IGN, 0n, 0n, 0n]).buffer);
  const operations: Operation[] = [
    { syscall: "rt_sigaction", args: [SIGCHLD, ignore, 0, SIGSET_SIZE], onError: "continue" },
    { label: "wait", syscall: "ppoll", args: [0, 0, 0, 0, SIGSET_SIZE], onError: "continue" },
    { syscall: "jump", args: [], onError: { jump: "wait" } },
    { syscall: "exit_group", args: [1] },
  ];
  return programImage(operations);
}
