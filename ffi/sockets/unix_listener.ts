/**
 * Unix sockets on which this program listens.
 *
 * Source: unix(7).
 *
 * @module
 */

import { EAGAIN, EINTR, SyscallError } from "../c/errno.ts";
import { libc } from "../c/libc.ts";
import { Fd } from "../files/file.ts";
import { SyscallProgram } from "../program/program.ts";
import { AF_UNIX, SOCK_CLOEXEC, SOCK_STREAM } from "./socket.ts";
import { unixAddress } from "./unix_socket.ts";

const SOCK_NONBLOCK = 0o4000;
const QUEUE = 4096;
const MSG_PEEK = 2;

/**
 * Listens for streams at a path, close-on-exec and non-blocking. The file gets mode 0600 before
 * anybody can connect.
 *
 * @throws {SyscallError} EADDRINUSE if there is such a file
 */
export function listenAt(path: string): Fd {
  const address = unixAddress(path);
  const program = new SyscallProgram([
    {
      syscall: "socket",
      label: "socket",
      args: [AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0],
    },
    // bind makes the file with the socket's own mode: unix(7)
    { syscall: "fchmod", args: [{ result: "socket" }, 0o600] },
    { syscall: "bind", args: [{ result: "socket" }, address, address.length] },
    { syscall: "listen", args: [{ result: "socket" }, QUEUE] },
  ]);
  program.run();
  const number = program.result("socket");
  const failure = program.failure();
  if (failure === undefined) return new Fd(number);
  if (number >= 0) new Fd(number).close();
  const call = ["socket", "fchmod", "bind", "listen"][failure.index] ?? "bind";
  throw new SyscallError(call, failure.errno, path);
}

/**
 * Takes the next connection, close-on-exec and non-blocking: accept4(2).
 *
 * @returns undefined if nobody waits
 * @throws {SyscallError}
 */
export function acceptStream(listener: Fd): Fd | undefined {
  for (;;) {
    const program = new SyscallProgram([{
      syscall: "accept4",
      args: [listener.number, 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK],
      onError: "continue",
    }]);
    program.run();
    const number = program.result(0);
    if (number >= 0) return new Fd(number);
    if (number === -EAGAIN) return undefined;
    if (number !== -EINTR && number !== -ECONNABORTED) throw new SyscallError("accept4", -number);
  }
}

const ECONNABORTED = 103;

/**
 * Looks at what can be read, and leaves it there: recvfrom(2).
 *
 * @returns undefined if there is nothing yet; no bytes at the end
 * @throws {SyscallError}
 */
export function peek(socket: Fd, size: number): Uint8Array<ArrayBuffer> | undefined {
  const bytes = new Uint8Array(size);
  const count = libc.recv(socket.number, bytes, size, MSG_PEEK);
  if (count >= 0) return bytes.subarray(0, count);
  if (count === -EAGAIN) return undefined;
  throw new SyscallError("recvfrom", -count);
}
