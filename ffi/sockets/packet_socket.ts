/**
 * Unix sockets that keep messages whole and in order, with fds beside them.
 *
 * Source: unix(7), SOCK_SEQPACKET; cmsg(3); socket(7), SO_PEERCRED.
 *
 * @module
 */

import { EAGAIN, errnoNumber, SyscallError } from "../c/errno.ts";
import { libc } from "../c/libc.ts";
import { Fd } from "../files/file.ts";
import { SyscallProgram } from "../program/program.ts";
import {
  AF_UNIX,
  messageWithFds,
  SCM_RIGHTS,
  SOCK_CLOEXEC,
  SOCK_SEQPACKET,
  SOL_SOCKET,
} from "./socket.ts";
import { unixAddress } from "./unix_socket.ts";

const SOCK_NONBLOCK = 0o4000;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;
const SO_PEERCRED = 17;
const BACKLOG = 1024;
const HEADER = 16;

/** What a message holds. */
export interface Packet {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly fds: readonly Fd[];
}

/**
 * Listens at a path, which must be free, without blocking: bind(2), listen(2).
 *
 * @throws {SyscallError} EADDRINUSE if there is such a file
 */
export function listenForPackets(path: string): Fd {
  const address = unixAddress(path);
  const type = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;
  const program = new SyscallProgram([
    { label: "socket", syscall: "socket", args: [AF_UNIX, type, 0] },
    { syscall: "bind", args: [{ result: "socket" }, address, address.length] },
    { syscall: "listen", args: [{ result: "socket" }, BACKLOG] },
  ]);
  program.run();
  const number = program.result("socket");
  const failure = program.failure();
  if (failure === undefined) return new Fd(number);
  if (number >= 0) new Fd(number).close();
  throw new SyscallError(["socket", "bind", "listen"][failure.index] ?? "", failure.errno, path);
}

/**
 * Connects to who listens at a path, close-on-exec and non-blocking: connect(2).
 *
 * @returns undefined if nobody does, or cannot now
 * @throws {SyscallError}
 */
export function connectPackets(path: string): Fd | undefined {
  const address = unixAddress(path);
  const type = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;
  const program = new SyscallProgram([
    { label: "socket", syscall: "socket", args: [AF_UNIX, type, 0] },
    { label: "connect", syscall: "connect", args: [{ result: "socket" }, address, address.length] },
  ]);
  program.run();
  const socket = new Fd(program.result("socket"));
  const failure = program.failure();
  if (failure === undefined) return socket;
  if (failure.index === 0) throw new SyscallError("socket", failure.errno);
  socket.close();
  if (["EAGAIN", "ECONNREFUSED", "ENOENT"].map(errnoNumber).includes(failure.errno)) {
    return undefined;
  }
  throw new SyscallError("connect", failure.errno, path);
}

/**
 * Takes a connection, close-on-exec and non-blocking: accept4(2).
 *
 * @returns undefined if there is none
 * @throws {SyscallError}
 */
export function acceptPackets(listener: Fd): Fd | undefined {
  const number = libc.accept4(listener.number, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (number >= 0) return new Fd(number);
  if (number === -EAGAIN) return undefined;
  throw new SyscallError("accept4", -number);
}

/** Who is at the other end, as it was when it connected. */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Who is at the other end.
 *
 * @throws {SyscallError}
 */
export function peerOf(socket: Fd): PeerCredentials {
  return new PeerLook().at(socket);
}

/** Looks who is at the other end of one socket after another, by calls that are written down once. */
export class PeerLook {
  readonly #socket = { space: 8, name: "socket" };
  readonly #credentials = { space: 12, name: "credentials" };
  readonly #program = new SyscallProgram([{
    syscall: "getsockopt",
    args: [
      { heldIn: this.#socket, offset: 0 },
      SOL_SOCKET,
      SO_PEERCRED,
      this.#credentials,
      new Uint8Array(Int32Array.of(12).buffer),
    ],
  }]);

  /**
   * Looks at one.
   *
   * @throws {SyscallError}
   */
  at({ number }: Fd): PeerCredentials {
    const program = this.#program;
    viewOf(program.output(this.#socket.name)).setInt32(0, number, true);
    program.run();
    const failure = program.failure();
    if (failure !== undefined) throw new SyscallError("getsockopt", failure.errno);
    const view = viewOf(program.output(this.#credentials.name));
    return {
      pid: view.getInt32(0, true),
      uid: view.getUint32(4, true),
      gid: view.getUint32(8, true),
    };
  }
}

function viewOf({ buffer, byteOffset }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset);
}

/** A message, with fds of this program beside its bytes. */
export interface Sent {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly fds?: readonly number[];
}

/**
 * Sends messages in their order.
 *
 * @returns how many were taken: fewer while there is no room
 * @throws {SyscallError} EPIPE or ECONNRESET if nobody is at the other end, EMSGSIZE
 */
export function sendPackets(socket: Fd, messages: readonly Sent[]): number {
  for (const [index, message] of messages.entries()) {
    const result = sendPacket(socket, message);
    if (result === -EAGAIN) return index;
    if (result < 0) throw new SyscallError("sendmsg", -result);
  }
  return messages.length;
}

function sendPacket({ number }: Fd, { bytes, fds = [] }: Sent): number {
  if (fds.length === 0) {
    return libc.send(number, bytes, bytes.length, MSG_NOSIGNAL);
  }
  const args = [number, messageWithFds(fds, bytes), MSG_NOSIGNAL];
  const program = new SyscallProgram([{ syscall: "sendmsg", args, onError: "return" }]);
  program.run();
  return program.result(0);
}

/**
 * Takes a message, without waiting.
 *
 * @param size the most bytes that it may have
 * @param most the most fds that it may have; they are close-on-exec
 * @returns undefined if there is none yet; an empty one if the other end is closed
 * @throws {SyscallError}
 */
export function receivePacket(socket: Fd, size: number, most = 0): Packet | undefined {
  if (most > 0) return receiveWithFds(socket, size, most);
  const bytes = new Uint8Array(size);
  const length = libc.recv(socket.number, bytes, size, 0);
  if (length === -EAGAIN) return undefined;
  if (length < 0) throw new SyscallError("recvfrom", -length);
  return { bytes: bytes.subarray(0, length), fds: [] };
}

function receiveWithFds(socket: Fd, size: number, most: number): Packet | undefined {
  const data = { space: size, name: "data" };
  const control = { space: HEADER + ((4 * most + 7) & ~7), name: "control" };
  const header = { words: [0, 0, { words: [data, size] }, 1, control, control.space, 0] };
  const program = new SyscallProgram([
    { syscall: "recvmsg", args: [socket.number, header, MSG_CMSG_CLOEXEC] },
  ]);
  program.run();
  const length = program.result(0);
  if (length === -EAGAIN) return undefined;
  if (length < 0) throw new SyscallError("recvmsg", -length);
  const bytes = program.output("data").slice(0, length) as Uint8Array<ArrayBuffer>;
  return { bytes, fds: passedFds(program.output("control")) };
}

function passedFds(control: Uint8Array): Fd[] {
  const view = new DataView(control.buffer, control.byteOffset, control.byteLength);
  const length = Number(view.getBigUint64(0, true));
  if (view.getInt32(8, true) !== SOL_SOCKET || view.getInt32(12, true) !== SCM_RIGHTS) return [];
  const count = (length - HEADER) >> 2;
  return Array.from({ length: count }, (_, k) => new Fd(view.getInt32(HEADER + 4 * k, true)));
}
