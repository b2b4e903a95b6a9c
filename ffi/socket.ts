/**
 * Unix sockets as a way to hand an fd to another process.
 *
 * Source: unix(7), cmsg(3).
 *
 * @module
 */

import { SyscallError } from "./errno.ts";
import { Fd, O_PATH, open } from "./file.ts";
import { cString } from "./memory.ts";
import { type Operation, SyscallProgram, type Words } from "./program.ts";

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const MSG_NOSIGNAL = 0x4000;
/** What fits into sockaddr_un with the NUL at its end. */
const LONGEST_ADDRESS = 108;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_CMSG_CLOEXEC = 0x40000000;
/** struct cmsghdr with one fd, and the same with its padding. */
const CONTROL_LENGTH = 20;
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

/**
 * Connects to a stream socket in the file system: connect(2). The result is close-on-exec and
 * non-blocking.
 *
 * @returns undefined while the listener's queue is full
 * @throws {SyscallError} ENOENT, ECONNREFUSED if nobody listens, EACCES
 */
export function connectTo(path: string): Fd | undefined {
  using file = cString(path).length > LONGEST_ADDRESS ? open(path, O_PATH) : undefined;
  const text = cString(file === undefined ? path : `/proc/self/fd/${file.number}`);
  const address = new Uint8Array(2 + text.length);
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  address.set(text, 2);
  const made = run({
    syscall: "socket",
    args: [AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0],
  });
  const socket = new Fd(made.result(0));
  try {
    run({ syscall: "connect", args: [socket.number, address, address.length] });
    return socket;
  } catch (error) {
    socket.close();
    if (error instanceof SyscallError && error.code === "EAGAIN") return undefined;
    throw error;
  }
}

/**
 * Sends bytes with an fd beside them: sendmsg(2).
 *
 * @returns how many of the bytes were taken, the fd with the first of them
 * @throws {SyscallError}
 */
export function sendWithFd(socket: Fd, fd: Fd, text: string): number {
  const message = messageWithFd(fd.number, text);
  return run({ syscall: "sendmsg", args: [socket.number, message, MSG_NOSIGNAL] }).result(0);
}

/** struct msghdr that carries the fd of a number, with `text` beside it: sendmsg(2). */
export function messageWithFd(number: number, text: string): Words {
  const control = new Uint8Array(CONTROL_SPACE);
  const view = new DataView(control.buffer);
  view.setBigUint64(0, BigInt(CONTROL_LENGTH), true);
  view.setInt32(8, SOL_SOCKET, true);
  view.setInt32(12, SCM_RIGHTS, true);
  view.setInt32(16, number, true);
  const data = new TextEncoder().encode(text);
  return { words: [0, 0, { words: [data, data.length] }, 1, control, CONTROL_SPACE, 0] };
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
