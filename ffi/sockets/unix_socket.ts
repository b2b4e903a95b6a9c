/**
 * Unix sockets with an address: streams to connect to, datagrams to send and to receive. What goes
 * through them beside bytes is in `socket.ts`.
 *
 * Source: unix(7).
 *
 * @module
 */

import { EAGAIN, EINTR, EINVAL, ENAMETOOLONG, failedWith, SyscallError } from "../c/errno.ts";
import { libc } from "../c/libc.ts";
import { Fd, O_PATH, open } from "../files/file.ts";
import { SyscallProgram } from "../program/program.ts";
import { AF_UNIX, SOCK_CLOEXEC, SOCK_STREAM } from "./socket.ts";

const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const MSG_NOSIGNAL = 0x4000;
const PATH_OFFSET = 2;
/** What fits into sockaddr_un, with the NUL at its end. */
const PATH_SIZE = 108;

/**
 * Connects a stream to the listener at an address, close-on-exec and non-blocking: connect(2).
 *
 * @param path a path of any length, or an abstract name that begins with `@`
 * @returns undefined while the listener's queue is full
 * @throws {SyscallError} ENOENT, ECONNREFUSED if nobody listens, EACCES
 */
export function connectStream(path: string): Fd | undefined {
  try {
    return connect(path, SOCK_STREAM | SOCK_NONBLOCK);
  } catch (error) {
    if (failedWith(error, "EAGAIN")) return undefined;
    throw error;
  }
}

/**
 * A socket whose datagrams go to an address, close-on-exec.
 *
 * @param path as of {@linkcode connectStream}
 * @throws {SyscallError} ENOENT, ECONNREFUSED if nobody receives there, EACCES
 */
export function connectDatagrams(path: string): Fd {
  return connect(path, SOCK_DGRAM);
}

/**
 * A socket that receives datagrams at an address, without blocking.
 *
 * @throws {SyscallError} EADDRINUSE if there is such a file
 */
export function bindDatagrams(path: string): Fd {
  return addressed("bind", path, unixAddress(path), SOCK_DGRAM | SOCK_NONBLOCK);
}

/**
 * Sends as much as there is room for, and raises no signal: sendto(2).
 *
 * @param socket a connected stream that does not block
 * @returns how many bytes were taken; 0 while there is no room
 * @throws {SyscallError} EPIPE or ECONNRESET if nobody is at the other end any more
 */
export function sendSome(socket: Fd, bytes: Uint8Array<ArrayBuffer>): number {
  for (;;) {
    const sent = libc.sendto(
      socket.number,
      bytes,
      bytes.length,
      MSG_NOSIGNAL,
      new Uint8Array(0),
      0,
    );
    if (sent >= 0) return sent;
    if (sent === -EAGAIN) return 0;
    if (sent !== -EINTR) throw new SyscallError("sendto", -sent);
  }
}

/** A path that is too long for an address is reached by an fd of the socket's file. */
function connect(path: string, type: number): Fd {
  const isLong = !path.startsWith("@") && new TextEncoder().encode(path).length >= PATH_SIZE;
  using file = isLong ? open(path, O_PATH) : undefined;
  const reached = file === undefined ? path : `/proc/self/fd/${file.number}`;
  return addressed("connect", path, unixAddress(reached), type);
}

function addressed(
  call: "bind" | "connect",
  path: string,
  address: Uint8Array<ArrayBuffer>,
  type: number,
): Fd {
  const program = new SyscallProgram([
    { syscall: "socket", label: "socket", args: [AF_UNIX, type | SOCK_CLOEXEC, 0] },
    { syscall: call, args: [{ result: "socket" }, address, address.length] },
  ]);
  program.run();
  const number = program.result("socket");
  const failure = program.failure();
  if (failure === undefined) return new Fd(number);
  if (number >= 0) new Fd(number).close();
  throw new SyscallError(failure.index === 0 ? "socket" : call, failure.errno, path);
}

/** struct sockaddr_un; an abstract name has a NUL before it and none behind. */
export function unixAddress(path: string): Uint8Array<ArrayBuffer> {
  const isAbstract = path.startsWith("@");
  const name = new TextEncoder().encode(isAbstract ? path.slice(1) : path);
  if (name.length === 0 || name.includes(0)) throw new SyscallError("socket", EINVAL, path);
  if (name.length + 1 > PATH_SIZE) throw new SyscallError("socket", ENAMETOOLONG, path);
  const bytes = new Uint8Array(PATH_OFFSET + 1 + name.length);
  new DataView(bytes.buffer).setUint16(0, AF_UNIX, true);
  bytes.set(name, PATH_OFFSET + (isAbstract ? 1 : 0));
  return bytes;
}
