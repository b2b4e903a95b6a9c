/**
 * Fds for another program that listens on a Unix socket: an agent, or whoever keeps a terminal or a
 * pidfd.
 *
 * @module
 */

import { SyscallError } from "../ffi/errno.ts";
import type { Fd } from "../ffi/file.ts";
import { sendFds } from "../ffi/socket.ts";
import { connectStream } from "../ffi/unix_socket.ts";

const TRIES = 100;
const PAUSE_MS = 50;
const EAGAIN = 11;

/**
 * Sends an fd, with a text beside it, to who listens at `path`.
 *
 * @throws {SyscallError} ENOENT, ECONNREFUSED if nobody listens; EAGAIN after five seconds
 */
export async function sendFd(path: string, fd: Fd, text: string): Promise<void> {
  using socket = await connectListener(path);
  sendFds(socket, [fd], text);
}

/**
 * A stream to who listens at `path`, who may be busy with others: their queue is full then.
 *
 * @throws {SyscallError} ENOENT, ECONNREFUSED if nobody listens; EAGAIN after five seconds
 */
export async function connectListener(path: string): Promise<Fd> {
  for (let k = 0; k < TRIES; k++) {
    const socket = connectStream(path);
    if (socket !== undefined) return socket;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw new SyscallError("connect", EAGAIN, path);
}
