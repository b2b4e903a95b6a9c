/**
 * Unix sockets with an address: streams to connect to, datagrams to send and to receive.
 *
 * Source: unix(7).
 *
 * @module
 */

import { SyscallError } from "./errno.ts";
import { Fd } from "./file.ts";
import { SyscallProgram } from "./program.ts";

const AF_UNIX = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const EINVAL = 22;
const ENAMETOOLONG = 36;
const PATH_OFFSET = 2;
const PATH_SIZE = 108;

/** Whether bytes flow as a stream or in datagrams: SOCK_STREAM, SOCK_DGRAM. */
export const SOCKET_TYPE = { stream: 1, datagram: 2 } as const;

/**
 * A socket connected to an address.
 *
 * @param path a path, or an abstract name that begins with `@`
 * @throws {SyscallError}
 */
export function connectUnix(path: string, type: keyof typeof SOCKET_TYPE): Fd {
  return addressed("connect", path, SOCKET_TYPE[type]);
}

/**
 * A socket that receives datagrams at an address, without blocking.
 *
 * @throws {SyscallError} EADDRINUSE if there is such a file
 */
export function bindDatagrams(path: string): Fd {
  return addressed("bind", path, SOCKET_TYPE.datagram | SOCK_NONBLOCK);
}

function addressed(call: "bind" | "connect", path: string, type: number): Fd {
  const address = unixAddress(path);
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
function unixAddress(path: string): Uint8Array<ArrayBuffer> {
  const isAbstract = path.startsWith("@");
  const name = new TextEncoder().encode(isAbstract ? path.slice(1) : path);
  if (name.length === 0 || name.includes(0)) throw new SyscallError("socket", EINVAL, path);
  if (name.length + 1 > PATH_SIZE) throw new SyscallError("socket", ENAMETOOLONG, path);
  const bytes = new Uint8Array(PATH_OFFSET + 1 + name.length);
  new DataView(bytes.buffer).setUint16(0, AF_UNIX, true);
  bytes.set(name, PATH_OFFSET + (isAbstract ? 1 : 0));
  return bytes;
}
