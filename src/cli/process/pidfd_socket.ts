/**
 * The socket that a process's pidfd is sent to.
 *
 * @module
 */

import type { Fd } from "../../../ffi/files/file.ts";
import { openPidfd } from "../../../ffi/processes/process.ts";
import { sendFds } from "../../../ffi/sockets/socket.ts";
import { syscallFailure } from "../../failures/syscall_failure.ts";

/** Connects to the socket, if there is to be one. */
export async function connectPidfdSocket(path: string | undefined): Promise<Fd | undefined> {
  if (path === undefined) return undefined;
  try {
    const { connectListener } = await import("../../streams/unix_client.ts");
    return await connectListener(path);
  } catch (cause) {
    throw syscallFailure(cause, "SystemError", `cannot connect to the pidfd socket`, {
      path,
      hint: "somebody must listen on it before hull is called",
    });
  }
}

/** The word beside the fd says which process it is, as with runc: the container's first. */
export function sendPidfd(socket: Fd, pid: number): void {
  using pidfd = openPidfd(pid);
  sendFds(socket, [pidfd], "standard");
}
