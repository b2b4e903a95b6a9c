/**
 * Sends fds to another program that listens on a Unix socket: an agent, or a program that keeps a
 * terminal or a pidfd.
 *
 * @module
 */

import { pause } from "../../ffi/waiting/abort.ts";
import { EAGAIN, SyscallError } from "../../ffi/c/errno.ts";
import type { Fd } from "../../ffi/files/file.ts";
import { sendFds } from "../../ffi/sockets/socket.ts";
import { connectStream } from "../../ffi/sockets/unix_socket.ts";

const TRIES = 100;
const PAUSE_MS = 50;

/**
 * Sends an fd, with a text beside it, to the listener at `path`.
 *
 * @throws {SyscallError} ENOENT, ECONNREFUSED if nobody listens; EAGAIN after five seconds
 * @throws the signal's reason
 */
export async function sendFd(
  path: string,
  fd: Fd,
  text: string,
  signal?: AbortSignal,
): Promise<void> {
  using socket = await connectListener(path, signal);
  sendFds(socket, [fd], text);
}

/**
 * Connects a stream to the listener at `path`. If the listener is busy, its queue is full for a
 * while, so this tries again.
 *
 * @throws {SyscallError} ENOENT, ECONNREFUSED if nobody listens; EAGAIN after five seconds
 * @throws the signal's reason
 */
export async function connectListener(path: string, signal?: AbortSignal): Promise<Fd> {
  for (let k = 0; k < TRIES; k++) {
    const socket = connectStream(path);
    if (socket !== undefined) return socket;
    await pause(PAUSE_MS, signal);
  }
  throw new SyscallError("connect", EAGAIN, path);
}
