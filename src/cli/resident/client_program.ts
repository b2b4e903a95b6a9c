/**
 * The client: an executable of a few KB that takes a command to the resident hull. It asks for
 * nothing and decides nothing. It connects, passes its standard streams, and then makes the system
 * calls that the resident sends it, until one of them ends it. Where nobody serves it, it becomes
 * the launcher, with the same words and environment.
 *
 * So what is born of a command is born in the caller's child, with the caller's limits, cgroups and
 * session, though its TypeScript ran elsewhere.
 *
 * @module
 */

import type { Operation } from "../../../ffi/program/operation.ts";
import { type OpenImage, openImage } from "../../../ffi/program/open_image.ts";
import { OPERATION_SIZE, RESULT_OFFSET } from "../../../ffi/program/trampoline.ts";
import {
  AF_UNIX,
  messageWithFds,
  SOCK_CLOEXEC,
  SOCK_SEQPACKET,
  SOL_SOCKET,
} from "../../../ffi/sockets/socket.ts";
import { unixAddress } from "../../../ffi/sockets/unix_socket.ts";

/** Where the parts of an installed hull are. */
export interface ClientPlaces {
  /** The resident's socket. */
  readonly socket: string;
  /** What the client becomes where nobody serves it. */
  readonly launcher: string;
  /** Which build of hull it is; another one's resident does not serve it. */
  readonly build: string;
}

/** Where, in operations from the client's first, the programs of the resident come to lie. */
export const FRAME_AT = 256;
/** The greatest size of such a program, in bytes: what a socket passes at once. */
export const FRAME_SIZE = 160 * 1024;
/** How many words the client can keep for the launcher, in place of its own. */
export const WORDS_SIZE = 8192;
const WORD = 8;

const F_GETFD = 1;
const SIG_BLOCK = 0;
const SIG_SETMASK = 2;
/** The signals that the caller had blocked. */
const MASK = { space: 8, name: "mask" } as const;
const SO_RCVTIMEO = 20;
const MSG_NOSIGNAL = 0x4000;
/** How long a resident may take to begin: it may stand still. In seconds. */
const BEGINS_WITHIN = 2n;

/** The client for an installed hull. */
export function clientImage(places: ClientPlaces, arch?: "x86_64" | "aarch64"): OpenImage {
  const room = FRAME_AT * OPERATION_SIZE + FRAME_SIZE + WORDS_SIZE * WORD;
  const outside = new Map([["frame", FRAME_AT]]);
  return openImage((base) => clientOperations(places, frameAddress(base)), room, outside, arch);
}

/** Addresses in a client that the resident fills. */
export interface ClientAddresses {
  /** Where its programs come to lie. */
  readonly frame: bigint;
  /** Where other words for the launcher may be kept. */
  readonly words: bigint;
  /** Where the address of the launcher's words stands. */
  readonly wordsAt: bigint;
}

/** The addresses in every client of this build. */
export function clientAddresses(): ClientAddresses {
  const { base } = clientImage({ socket: "/", launcher: "/", build: "" });
  const frame = frameAddress(base);
  return { frame, words: frame + BigInt(FRAME_SIZE), wordsAt: base + BigInt(RESULT_OFFSET) };
}

/** Where the resident's programs come to lie in a client. */
function frameAddress(base: bigint): bigint {
  return base + BigInt(FRAME_AT * OPERATION_SIZE);
}

/**
 * The labels of the client's operations that the resident's programs use, with how many operations
 * they lie behind the beginning of such a program.
 */
export function clientLabels(): ReadonlyMap<string, number> {
  const operations = clientOperations({ socket: "/", launcher: "/", build: "" }, 0n);
  return new Map(
    operations.flatMap(({ label }, index) =>
      label === undefined ? [] : [[label, index - FRAME_AT] as const]
    ),
  );
}

function clientOperations(
  { socket, launcher, build }: ClientPlaces,
  frame: bigint,
): Operation[] {
  const address = unixAddress(socket);
  const hello = messageWithFds([0, 1, 2], new TextEncoder().encode(build));
  const cold = { jump: "cold" };
  const patience = { words: [BEGINS_WITHIN, 0n] };
  const isOpen = (fd: number): Operation => ({
    syscall: "fcntl",
    args: [fd, F_GETFD],
    onError: cold,
  });
  return [
    { label: "words", syscall: "jump", args: [] },
    { label: "environment", syscall: "jump", args: [] },
    { syscall: "rt_sigprocmask", args: [SIG_BLOCK, 0, MASK, MASK.space], onError: "continue" },
    // A stream that is closed would be taken for whatever gets its number.
    ...[0, 1, 2].map(isOpen),
    {
      label: "socket",
      syscall: "socket",
      args: [AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0],
      onError: cold,
    },
    {
      syscall: "connect",
      args: [{ result: "socket" }, address, address.length],
      onError: cold,
    },
    {
      syscall: "setsockopt",
      args: [{ result: "socket" }, SOL_SOCKET, SO_RCVTIMEO, patience, 16],
      onError: cold,
    },
    { syscall: "sendmsg", args: [{ result: "socket" }, hello, MSG_NOSIGNAL], onError: cold },
    {
      label: "receive",
      syscall: "read",
      args: [{ result: "socket" }, frame, FRAME_SIZE],
      onError: cold,
      onPositive: { jump: "frame" },
    },
    // The resident may have blocked signals.
    {
      label: "cold",
      syscall: "rt_sigprocmask",
      args: [SIG_SETMASK, MASK, 0, MASK.space],
      onError: "continue",
    },
    {
      syscall: "execve",
      args: [launcher, { result: "words" }, { result: "environment" }],
      onError: "continue",
    },
    { syscall: "exit_group", args: [127], onError: "continue" },
  ];
}
