/**
 * The keeper as a program of system calls: it keeps fds open for the process that serves, so that
 * they outlive it.
 *
 * It takes an fd out of that process by pidfd_getfd(2), and says under which number it keeps it;
 * whoever serves next takes it out of the keeper in the same way.
 *
 * @module
 */

import { F_SETFD, FD_CLOEXEC } from "../../../ffi/c/fd_numbers.ts";
import type { Operation } from "../../../ffi/program/operation.ts";

/** A request: an fd to close, a process, the fd to take from it, and any number. */
export const REQUEST_SIZE = 32;
/** An answer: the number of the fd that was taken, or an error below 0; and the request's number. */
export const ANSWER_SIZE = 16;
/** In place of an fd or a process that there is not. */
export const NONE = -1;

/**
 * The program. It has both ends of the socket, so that whoever serves can take one out of it.
 *
 * @param served the end that it reads and writes
 * @param other the end for the process that serves
 */
export function keeperProgram(served: number, other: number): Operation[] {
  const request = { space: REQUEST_SIZE, name: "request" };
  const at = (offset: number) => ({ heldIn: request, offset });
  const parts = {
    words: [{ placeOf: "taken" }, 8, { field: request, offset: 24 }, 8],
  };
  const answer = { words: [0, 0, parts, 2, 0, 0, 0] };
  return [
    ...[served, other].map((fd) => call("fcntl", [fd, F_SETFD, FD_CLOEXEC])),
    call("setsid", []),
    call("chdir", ["/"]),
    { ...call("read", [served, request, REQUEST_SIZE]), label: "next" },
    call("close", [at(0)]),
    { ...call("pidfd_open", [at(8), 0]), label: "process" },
    { ...call("pidfd_getfd", [{ result: "process" }, at(16), 0]), label: "taken" },
    call("close", [{ result: "process" }]),
    call("sendmsg", [served, answer, MSG_NOSIGNAL]),
    { syscall: "jump", args: [], onError: { jump: "next" } },
  ];
}

const MSG_NOSIGNAL = 0x4000;

function call(syscall: Operation["syscall"], args: Operation["args"]): Operation {
  return { syscall, args, onError: "continue" };
}
