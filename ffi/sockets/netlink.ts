/**
 * Netlink sockets as the kernel has them: bytes out, bytes in, and the namespace that a socket
 * belongs to.
 *
 * Source: netlink(7), rtnetlink(7).
 *
 * @module
 */

import { failedWith } from "../c/errno.ts";
import { Fd } from "../files/file.ts";
import { checked, libc } from "../c/libc.ts";
import { runInNetwork } from "../processes/network_namespace.ts";

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const NETLINK_ROUTE = 0;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const MSG_PEEK = 2;
const MSG_TRUNC = 0x20;
const ADDRESS_SIZE = 12;

/**
 * Opens a socket for links, addresses and routes of the network namespace that this thread is in.
 *
 * @throws {SyscallError}
 */
export function openRouteSocket(): Fd {
  return prepared(
    new Fd(checked("socket", libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE))),
  );
}

/**
 * Opens such a socket in another network namespace; a socket stays in the one that it was made in.
 *
 * No thread of this program goes there, so none has to come back. A child that shares this
 * program's memory and fds goes there, makes the socket and ends.
 *
 * @throws {SyscallError} EINVAL if the fd is not a network namespace's
 */
export function openRouteSocketIn(namespace: Fd): Fd {
  const program = runInNetwork(namespace, [
    {
      label: "socket",
      syscall: "socket",
      args: [AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE],
    },
  ]);
  return prepared(new Fd(program.result("socket")));
}

/**
 * Connects the socket to the kernel only, asks for reasons in the kernel's errors, and limits how
 * long a receive may take. The fd is closed if that fails.
 */
function prepared(socket: Fd): Fd {
  using stack = new DisposableStack();
  stack.use(socket);
  // Messages of other processes are refused, so none of them can fill the queue in which the
  // kernel's answers wait.
  checked("connect", libc.connect(socket.number, kernelAddress(), ADDRESS_SIZE));
  const one = new Uint8Array([1, 0, 0, 0]);
  // An old kernel lacks these options; its errors say less.
  for (const option of [NETLINK_EXT_ACK, NETLINK_CAP_ACK]) {
    libc.setsockopt(socket.number, SOL_NETLINK, option, one, one.length);
  }
  const time = new Uint8Array(16);
  new DataView(time.buffer).setBigInt64(0, RECEIVE_TIMEOUT_SECONDS, true);
  checked("setsockopt", libc.setsockopt(socket.number, SOL_SOCKET, SO_RCVTIMEO, time, time.length));
  stack.move();
  return socket;
}

/** The kernel answers within the call that asks: an answer that takes longer was lost. */
const RECEIVE_TIMEOUT_SECONDS = 10n;

/** struct sockaddr_nl of the kernel. */
function kernelAddress(): Uint8Array<ArrayBuffer> {
  const address = new Uint8Array(ADDRESS_SIZE);
  new DataView(address.buffer).setUint16(0, AF_NETLINK, true);
  return address;
}

/**
 * Sends bytes to the kernel: sendto(2).
 *
 * @throws {SyscallError}
 */
export function sendToKernel(socket: Fd, bytes: Uint8Array<ArrayBuffer>): void {
  const address = kernelAddress();
  again(
    "sendto",
    () => libc.sendto(socket.number, bytes, bytes.length, 0, address, ADDRESS_SIZE),
  );
}

/**
 * Receives one datagram of any size from the kernel; datagrams of other processes are dropped,
 * since a hostile one in the socket's namespace may send before the socket is connected:
 * recvfrom(2).
 *
 * @throws {SyscallError} EAGAIN if none came in time
 */
export function receiveFromKernel(socket: Fd): Uint8Array<ArrayBuffer> {
  for (;;) {
    // The size is asked first: bytes that don't fit the buffer would be lost.
    const size = receive(socket, new Uint8Array(1), MSG_PEEK | MSG_TRUNC).size;
    const bytes = new Uint8Array(size);
    const { sender } = receive(socket, bytes, 0);
    if (sender === 0) return bytes;
  }
}

function receive(
  socket: Fd,
  bytes: Uint8Array<ArrayBuffer>,
  flags: number,
): { readonly size: number; readonly sender: number } {
  const address = new Uint8Array(ADDRESS_SIZE);
  const length = new Uint8Array([ADDRESS_SIZE, 0, 0, 0]);
  const size = again(
    "recvfrom",
    () => libc.recvfrom(socket.number, bytes, bytes.length, flags, address, length),
  );
  return { size, sender: new DataView(address.buffer).getUint32(4, true) };
}

function again(syscall: string, call: () => number): number {
  for (;;) {
    try {
      return checked(syscall, call());
    } catch (error) {
      if (!failedWith(error, "EINTR")) throw error;
    }
  }
}
