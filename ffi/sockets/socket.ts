/**
 * Unix sockets as a way to hand an fd to another process.
 *
 * Source: unix(7), cmsg(3).
 *
 * @module
 */

import { EMSGSIZE, SyscallError } from "../c/errno.ts";
import { checked, libc } from "../c/libc.ts";
import { Fd } from "../files/file.ts";
import type { Operation, Words } from "../program/operation.ts";
import { SyscallProgram } from "../program/program.ts";

export const AF_UNIX = 1;
export const SOCK_STREAM = 1;
export const SOCK_SEQPACKET = 5;
export const SOCK_CLOEXEC = 0o2000000;
export const SOL_SOCKET = 1;
export const SCM_RIGHTS = 1;
const MSG_CMSG_CLOEXEC = 0x40000000;
const MSG_NOSIGNAL = 0x4000;
/** struct cmsghdr, and the same with room for one fd and its padding, or for two. */
const CONTROL_HEADER = 16;
const CONTROL_SPACE = 24;

/** Two connected sockets, close-on-exec. */
export interface SocketPair extends Disposable {
  readonly ours: Fd;
  readonly theirs: Fd;
}

/**
 * Makes a pair of connected stream sockets: socketpair(2).
 *
 * @throws {SyscallError}
 */
export function socketPair(): SocketPair {
  const program = run({
    syscall: "socketpair",
    args: [AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, { space: 8, name: "fds" }],
  });
  const fds = program.output("fds");
  const view = new DataView(fds.buffer, fds.byteOffset);
  const [ours, theirs] = [new Fd(view.getInt32(0, true)), new Fd(view.getInt32(4, true))];
  return {
    ours,
    theirs,
    [Symbol.dispose]: () => {
      ours.close();
      theirs.close();
    },
  };
}

/** struct msghdr that carries the fd of a number, with `text` beside it: sendmsg(2). */
export function messageWithFd(number: number, text: string): Words {
  return messageWithFds([number], new TextEncoder().encode(text));
}

/** The same for fds of any number and bytes. */
export function messageWithFds(
  numbers: readonly number[],
  data: Uint8Array<ArrayBuffer>,
): Words {
  const control = new Uint8Array((CONTROL_HEADER + 4 * numbers.length + 7) & ~7);
  const view = new DataView(control.buffer);
  view.setBigUint64(0, BigInt(CONTROL_HEADER + 4 * numbers.length), true);
  view.setInt32(8, SOL_SOCKET, true);
  view.setInt32(12, SCM_RIGHTS, true);
  numbers.forEach((number, k) => view.setInt32(CONTROL_HEADER + 4 * k, number, true));
  return { words: [0, 0, { words: [data, data.length] }, 1, control, control.length, 0] };
}

/**
 * Sends one or two fds together with a text or bytes: sendmsg(2).
 *
 * @throws {SyscallError} EPIPE if nobody is at the other end, EMSGSIZE if only a part of the text
 *   was taken
 */
export function sendFds(
  socket: Fd,
  fds: readonly Fd[],
  beside: string | Uint8Array<ArrayBuffer>,
): void {
  const data = typeof beside === "string" ? new TextEncoder().encode(beside) : beside;
  const message = messageWithFds(fds.map((fd) => fd.number), data);
  const sent = run({ syscall: "sendmsg", args: [socket.number, message, MSG_NOSIGNAL] }).result(0);
  if (sent !== data.length) throw new SyscallError("sendmsg", EMSGSIZE); // of no use to anybody
}

/**
 * Receives an fd, close-on-exec; does not return before a message is there: recvmsg(2).
 *
 * @returns undefined if the message has none, or the other end is closed
 * @throws {SyscallError}
 */
export function receiveFd(socket: Fd): Fd | undefined {
  const data = { space: 4096, name: "data" };
  const control = { space: CONTROL_SPACE, name: "control" };
  const words: Words["words"] = [0, 0, { words: [data, data.space] }, 1, control, control.space, 0];
  const program = run({
    syscall: "recvmsg",
    args: [socket.number, { words }, MSG_CMSG_CLOEXEC],
  });
  const received = program.output("control");
  const view = new DataView(received.buffer, received.byteOffset);
  if (view.getInt32(8, true) !== SOL_SOCKET || view.getInt32(12, true) !== SCM_RIGHTS) {
    return undefined;
  }
  return new Fd(view.getInt32(16, true));
}

function run(operation: Operation): SyscallProgram {
  const program = new SyscallProgram([operation]);
  program.run();
  const failure = program.failure();
  if (failure === undefined) return program;
  throw new SyscallError(operation.syscall, failure.errno);
}

const SHUT_WR = 1;

/**
 * Says that no more is sent: shutdown(2). What the other end sends still comes.
 *
 * @throws {SyscallError} ENOTCONN
 */
export function shutDownWriting(socket: Fd): void {
  checked("shutdown", libc.shutdown(socket.number, SHUT_WR));
}
