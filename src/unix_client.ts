/**
 * Fds for another program that listens on a Unix socket: an agent, or whoever keeps a terminal.
 *
 * @module
 */

import { SyscallError } from "../ffi/errno.ts";
import type { Fd } from "../ffi/file.ts";
import { connectTo, sendWithFd } from "../ffi/socket.ts";

const TRIES = 100;
const PAUSE_MS = 50;
const EMSGSIZE = 90;
const EAGAIN = 11;

/**
 * Sends an fd, with a text beside it, to who listens at `path`.
 *
 * @throws {SyscallError} ENOENT, ECONNREFUSED if nobody listens; EAGAIN after five seconds
 */
export async function sendFd(path: string, fd: Fd, text: string): Promise<void> {
  using socket = await connect(path);
  const size = new TextEncoder().encode(text).length;
  // A new socket takes more at once than such a text can hold; a part of one would be of no use.
  if (sendWithFd(socket, fd, text) !== size) throw new SyscallError("sendmsg", EMSGSIZE);
}

/** A listener may be busy with others: its queue is full then. */
async function connect(path: string): Promise<Fd> {
  for (let k = 0; k < TRIES; k++) {
    const socket = connectTo(path);
    if (socket !== undefined) return socket;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw new SyscallError("connect", EAGAIN);
}
