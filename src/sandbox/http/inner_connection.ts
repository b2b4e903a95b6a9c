/**
 * A connection to a port of a sandbox's own loopback interface.
 *
 * The socket is made in the sandbox's network namespace, and keeps it: see socket(2) and
 * network_namespaces(7). Nothing of this program goes there.
 *
 * @module
 */

import { failedWith, SyscallError } from "../../../ffi/c/errno.ts";
import { checked, libc } from "../../../ffi/c/libc.ts";
import { Fd, open } from "../../../ffi/files/file.ts";
import { runInNetwork } from "../../../ffi/processes/network_namespace.ts";
import { EPOLLOUT, type Poller } from "../../../ffi/waiting/poll.ts";
import { ContainerError } from "../../errors.ts";
import { requireAlive } from "../../exec/joined_container.ts";
import type { ProcessIdentity } from "../../state/process_identity.ts";

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;

/**
 * Connects, by IPv4 or else by IPv6.
 *
 * @param first the sandbox's first process
 * @throws {ContainerError} `ContainerNotRunning`; `Unsupported` for an ordinary user
 * @throws {SyscallError} ECONNREFUSED if nobody listens
 */
export async function connectInside(
  first: ProcessIdentity,
  port: number,
  poller: Poller,
): Promise<Fd> {
  try {
    return await connectBy(first, AF_INET, port, poller);
  } catch (error) {
    if (!failedWith(error, "ECONNREFUSED")) throw error;
    return await connectBy(first, AF_INET6, port, poller);
  }
}

async function connectBy(
  first: ProcessIdentity,
  family: number,
  port: number,
  poller: Poller,
): Promise<Fd> {
  using stack = new DisposableStack();
  const socket = stack.use(socketInside(first, family));
  const address = addressOf(family, port);
  const result = libc.connect(socket.number, address, address.length);
  if (result < 0 && result !== -EINPROGRESS) throw new SyscallError("connect", -result);
  if (result < 0) {
    await poller.wait(socket, EPOLLOUT);
    // Once more: it tells that it is connected, or why not.
    const again = libc.connect(socket.number, address, address.length);
    if (again < 0 && again !== -EISCONN) checked("connect", again);
  }
  stack.move();
  return socket;
}

const EINPROGRESS = 115;
const EISCONN = 106;

function socketInside(first: ProcessIdentity, family: number): Fd {
  using namespace = open(`/proc/${first.pid}/ns/net`);
  requireAlive(first); // so it is that of the very process
  const type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  try {
    const program = runInNetwork(namespace, [
      { label: "socket", syscall: "socket", args: [family, type, 0] },
    ]);
    return new Fd(program.result("socket"));
  } catch (cause) {
    if (!failedWith(cause, "EPERM")) throw cause;
    throw new ContainerError("Unsupported", "the sandbox's network can't be entered", {
      syscall: "setns",
      errno: "EPERM",
      hint: "it takes CAP_SYS_ADMIN: let a program inside make the request",
      cause,
    });
  }
}

/** The loopback's: ip(7), ipv6(7). */
function addressOf(family: number, port: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(family === AF_INET ? 16 : 28);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, family, true);
  view.setUint16(2, port);
  if (family === AF_INET) bytes.set([127, 0, 0, 1], 4);
  else bytes[23] = 1;
  return bytes;
}
