/**
 * The client: an executable of a few KB that takes a command to the resident hull. It asks for
 * nothing and decides nothing. It connects, says which build it is of, and then makes the system
 * calls that the resident sends it, until one of them ends it. Where nobody serves it, it becomes
 * the launcher that was installed with it, with the same words and environment.
 *
 * So what is born of a command is born in the caller's child, with the caller's limits, cgroups and
 * session, though its TypeScript ran elsewhere.
 *
 * @module
 */

import { executeNeighbour } from "../../../ffi/program/neighbour.ts";
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
  /** What the client becomes where nobody serves it, unless it has the installed one beside it. */
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
type Bytes = Uint8Array<ArrayBuffer>;

/** Where scripts/install puts them, below its prefix. */
const INSTALLED = { own: "/bin/hull", other: "/lib/hull/scripts/launcher" } as const;
const PATH_MAX = 4096;
const F_GETFD = 1;
const SIG_BLOCK = 0;
const SIG_SETMASK = 2;
/** A client's standard streams. */
const STREAMS = [0, 1, 2] as const;
/** The size of the message that passes them. No other is so small. */
export const STREAMS_SIZE = 1;
/** The signals that the caller had blocked. */
const MASK = { space: 8, name: "mask" } as const;
const SO_RCVTIMEO = 20;
const SO_SNDTIMEO = 21;
const MSG_NOSIGNAL = 0x4000;
/**
 * How long a resident may take to accept, and to begin: it may stand still. In seconds. It lifts the
 * limit when it begins; before the client's answer to that it does nothing.
 */
const BEGINS_WITHIN = 2n;
/** The same in milliseconds. */
export const BEGINS_WITHIN_MS = 1000 * Number(BEGINS_WITHIN);

/** The client for an installed hull. */
export function clientImage(places: ClientPlaces, arch?: "x86_64" | "aarch64"): OpenImage {
  return imageWith(places, helloOf(places.build), arch);
}

type Executables = Pick<ClientPlaces, "socket" | "launcher">;

function imageWith(places: Executables, hello: Bytes, arch?: "x86_64" | "aarch64"): OpenImage {
  const room = FRAME_AT * OPERATION_SIZE + FRAME_SIZE + WORDS_SIZE * WORD;
  const outside = new Map([["frame", FRAME_AT]]);
  const operations = (base: bigint) => clientOperations(places, hello, frameAddress(base));
  return openImage(operations, room, outside, arch);
}

/** What a client says of itself as soon as it has connected. */
function helloOf(build: string): Bytes {
  return new TextEncoder().encode(build);
}

/** Addresses in a client that the resident fills. */
export interface ClientAddresses {
  /** Where its programs come to lie. */
  readonly frame: bigint;
  /** Where other words for the launcher may be kept. */
  readonly words: bigint;
  /** Where the address of the launcher's words stands. */
  readonly wordsAt: bigint;
  /** Where it says which build it is of. */
  readonly build: { readonly address: bigint; readonly size: number };
  /**
   * The client's operations that the resident's programs use, by label: how many operations they lie
   * behind the beginning of such a program; before it, a negative number.
   */
  readonly labels: ReadonlyMap<string, number>;
}

/**
 * The addresses in every client of this build.
 *
 * @param build its name
 */
export function clientAddresses(build: string): ClientAddresses {
  const hello = helloOf(build);
  const { base, placeOf } = imageWith({ socket: "/", launcher: "/" }, hello);
  const frame = frameAddress(base);
  return {
    frame,
    words: frame + BigInt(FRAME_SIZE),
    wordsAt: base + BigInt(RESULT_OFFSET),
    build: { address: placeOf(hello), size: hello.length },
    labels: clientLabels(),
  };
}

/** Where the resident's programs come to lie in a client. */
function frameAddress(base: bigint): bigint {
  return base + BigInt(FRAME_AT * OPERATION_SIZE);
}

function clientLabels(): ReadonlyMap<string, number> {
  const operations = clientOperations({ socket: "/", launcher: "/" }, helloOf(""), 0n);
  return new Map(
    operations.flatMap(({ label }, index) =>
      label === undefined ? [] : [[label, index - FRAME_AT] as const]
    ),
  );
}

/**
 * Passes the client's standard streams. Not before the resident has begun: in the queue of one that
 * stands still they would be open for as long, and who reads what the caller prints would not see its
 * end.
 */
export function passStreams(): Operation {
  const message = messageWithFds(STREAMS, new Uint8Array(STREAMS_SIZE));
  return { syscall: "sendmsg", args: [{ result: "socket" }, message, MSG_NOSIGNAL] };
}

/** Limits, in seconds, how long the client waits for the resident: for ever with 0. */
export function limits(seconds: bigint): Operation[] {
  const time = { words: [seconds, 0n] };
  return [SO_SNDTIMEO, SO_RCVTIMEO].map((option) => ({
    syscall: "setsockopt",
    args: [{ result: "socket" }, SOL_SOCKET, option, time, 16],
  }));
}

function clientOperations(
  { socket, launcher }: Executables,
  hello: Bytes,
  frame: bigint,
): Operation[] {
  const address = unixAddress(socket);
  const words = [{ result: "words" }, { result: "environment" }] as const;
  const cold = { jump: "cold" };
  const isOpen = (fd: number): Operation => ({
    syscall: "fcntl",
    args: [fd, F_GETFD],
    onError: cold,
  });
  return [
    // The resident reads the hello here, mostly before it is said. First of all that operations point
    // to, it lies at the same place whatever the paths of an installation are.
    { label: "words", syscall: "jump", args: [hello] },
    { label: "environment", syscall: "jump", args: [] },
    { syscall: "rt_sigprocmask", args: [SIG_BLOCK, 0, MASK, MASK.space], onError: "continue" },
    // A stream that is closed would be taken for whatever gets its number.
    ...STREAMS.map(isOpen),
    {
      label: "socket",
      syscall: "socket",
      args: [AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0],
      onError: cold,
    },
    ...limits(BEGINS_WITHIN).map((operation) => ({ ...operation, onError: cold })),
    {
      syscall: "connect",
      args: [{ result: "socket" }, address, address.length],
      onError: cold,
    },
    {
      syscall: "sendto",
      args: [{ result: "socket" }, hello, hello.length, MSG_NOSIGNAL],
      onError: cold,
    },
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
    ...executeNeighbour(INSTALLED, { address: frame, size: PATH_MAX }, words, {
      label: "beside",
      otherwise: "elsewhere",
    }),
    {
      label: "elsewhere",
      syscall: "execve",
      args: [launcher, ...words],
      onError: "continue",
    },
    { syscall: "exit_group", args: [127], onError: "continue" },
  ];
}
