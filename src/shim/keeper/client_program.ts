/**
 * The shim's program as a few system calls: `containerd-shim-hull-v1` itself, an executable of a
 * few KB. It connects to the process that serves, which reads in /proc what it was called with, and
 * prints what that answers. Where nobody serves it becomes the launcher that was installed with it,
 * with the same words and environment.
 *
 * @module
 */

import { type OpenImage, openImage } from "../../../ffi/program/open_image.ts";
import { executeNeighbour } from "../../../ffi/program/neighbour.ts";
import type { Operation } from "../../../ffi/program/operation.ts";
import { AF_UNIX, SOCK_CLOEXEC, SOCK_STREAM } from "../../../ffi/sockets/socket.ts";
import { unixAddress } from "../../../ffi/sockets/unix_socket.ts";

/** Where what it needs is. */
export interface ShimClientPlaces {
  /** The socket for calls of this program. */
  readonly socket: string;
  /** What it becomes where nobody serves, unless it has the installed one beside it. */
  readonly launcher: string;
}

/** The size of what comes before an answer's bytes: the exit code, as 64 bits. */
export const CODE_SIZE = 8;
/** No less than a path may have. */
const CHUNK = 4096;
/** Where scripts/install puts them, below its prefix. */
const INSTALLED = {
  own: "/bin/containerd-shim-hull-v1",
  other: "/lib/hull/scripts/containerd-shim-hull-v1",
} as const;
const ROOM = 16_384;

/** The executable. */
export function shimClient(places: ShimClientPlaces, arch?: "x86_64" | "aarch64"): OpenImage {
  return openImage(() => operations(places), ROOM, new Map(), arch);
}

function operations({ socket, launcher }: ShimClientPlaces): Operation[] {
  const address = unixAddress(socket);
  const code = { space: CODE_SIZE, name: "code" } as const;
  const bytes = { space: CHUNK, name: "bytes" } as const;
  const words = [{ result: "words" }, { result: "environment" }] as const;
  const cold = { jump: "cold" };
  const connected = { result: "socket" };
  return [
    { label: "words", syscall: "jump", args: [] },
    { label: "environment", syscall: "jump", args: [] },
    {
      label: "socket",
      syscall: "socket",
      args: [AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0],
      onError: cold,
    },
    { syscall: "connect", args: [connected, address, address.length], onError: cold },
    {
      syscall: "read",
      args: [connected, code, CODE_SIZE],
      onError: cold,
      onPositive: { jump: "answer" },
    },
    // It was killed before it had answered.
    ...executeNeighbour(INSTALLED, { address: bytes, size: CHUNK }, words, {
      label: "cold",
      otherwise: "elsewhere",
    }),
    {
      label: "elsewhere",
      syscall: "execve",
      args: [launcher, ...words],
      onError: "continue",
    },
    { syscall: "exit_group", args: [127], onError: "continue" },
    {
      label: "answer",
      syscall: "read",
      args: [connected, bytes, CHUNK],
      onError: "continue",
      onPositive: { jump: "print" },
    },
    { syscall: "exit_group", args: [{ heldIn: code, offset: 0 }], onError: "continue" },
    {
      label: "print",
      syscall: "write",
      args: [1, bytes, { result: "answer" }],
      onError: "continue",
    },
    { syscall: "jump", args: [], onError: { jump: "answer" } },
  ];
}
