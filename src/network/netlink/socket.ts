/**
 * A netlink socket that asks the kernel and checks its answers.
 *
 * Each call is one round trip: the kernel does the work while the request is sent, so everything is
 * done when the call returns. Calls are synchronous on the caller's thread. They take microseconds,
 * or some milliseconds where the kernel must wait for its readers (when a link changes its
 * namespace).
 *
 * Source: netlink(7), the kernel's Documentation/userspace-api/netlink/intro.rst.
 *
 * @module
 */

import { EAGAIN, errnoName, errnoText, SyscallError } from "../../../ffi/c/errno.ts";
import type { Fd } from "../../../ffi/files/file.ts";
import {
  openRouteSocket,
  openRouteSocketIn,
  receiveFromKernel,
  sendToKernel,
} from "../../../ffi/sockets/netlink.ts";
import {
  Attributes,
  decodeMessages,
  encodeMessage,
  HEADER_SIZE,
  type Message,
  NetlinkFormatError,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_REQUEST,
} from "./message.ts";

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
/** The request's own body is left out of the answer. */
const NLM_F_CAPPED = 0x100;
/** Attributes with the reason follow. */
const NLM_F_ACK_TLVS = 0x200;
const NLMSGERR_ATTR_MSG = 1;
const DUMP_TRIES = 20;

/** A question, without what the socket fills in. */
export interface Request {
  /** What it is, for errors: `RTM_NEWLINK`. */
  readonly name: string;
  readonly type: number;
  /** NLM_F_… beside NLM_F_REQUEST and NLM_F_ACK. */
  readonly flags?: number | undefined;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** The kernel refused a request. */
export class NetlinkError extends Error {
  override readonly name = "NetlinkError";
  /** The request's name, such as `RTM_NEWLINK`. */
  readonly request: string;
  /** The error number. */
  readonly errno: number;
  /** The error's name, such as `EEXIST`. */
  readonly code: string;
  /** The kernel's own words, where it has some. */
  readonly reason: string | undefined;

  /** Makes the error for `errno`, a positive number. */
  constructor(request: string, errno: number, reason?: string) {
    const code = errnoName(errno);
    super(`${request}: ${code}: ${reason ?? errnoText(errno)}`);
    this.request = request;
    this.errno = errno;
    this.code = code;
    this.reason = reason;
  }
}

/**
 * A socket for links, addresses and routes (NETLINK_ROUTE) of one network namespace.
 *
 * @example The links of this namespace
 * ```ts
 * import { assert } from "@std/assert";
 * import { listLinks } from "./link.ts";
 * import { RouteSocket } from "./socket.ts";
 *
 * using socket = new RouteSocket();
 * assert(listLinks(socket).some(({ name }) => name === "lo"));
 * ```
 */
export class RouteSocket implements Disposable {
  readonly #fd: Fd;
  #sequence = 0;

  /**
   * Opens one in the namespace of an fd, or in this program's. The socket stays in it; this program
   * does not go there.
   *
   * @throws {SyscallError}
   */
  constructor(namespace?: Fd) {
    this.#fd = namespace === undefined ? openRouteSocket() : openRouteSocketIn(namespace);
  }

  /**
   * Sends a request and waits for its answer.
   *
   * @returns what the kernel answered beside its acknowledgement
   * @throws {NetlinkError} what the kernel refused, with its reason
   * @throws {SyscallError} if the socket fails
   */
  request(request: Request): Message[] {
    return this.#ask(request, NLM_F_ACK).messages;
  }

  /**
   * Lists objects. Something that changes while the kernel lists could appear twice or not at all,
   * so the kernel is asked again then.
   *
   * @throws {NetlinkError} what the kernel refused; EAGAIN if it changes all the time
   * @throws {SyscallError} if the socket fails
   */
  dump(request: Request): Message[] {
    return steady(request.name, () => this.#ask(request, NLM_F_DUMP));
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.#fd.close();
  }

  #ask(request: Request, flags: number): Answer {
    const { type, body } = request;
    const sequence = this.#sequence = (this.#sequence + 1) >>> 0;
    flags |= NLM_F_REQUEST | (request.flags ?? 0);
    sendToKernel(this.#fd, encodeMessage({ type, flags, sequence, body }));
    const answer = new AnswerReader(request.name, sequence);
    while (!answer.isComplete) answer.take(receiveFromKernel(this.#fd));
    return answer;
  }
}

/**
 * The messages of the first answer that nothing interrupted.
 *
 * @param name the request's
 * @param ask asks once
 * @throws {NetlinkError} EAGAIN if all of some tries were interrupted
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { steady } from "./socket.ts";
 *
 * let tries = 0;
 * steady("RTM_GETLINK", () => ({ messages: [], interrupted: ++tries < 3 }));
 * assertEquals(tries, 3);
 * ```
 */
export function steady(name: string, ask: () => Answer): Message[] {
  for (let tries = 0; tries < DUMP_TRIES; tries++) {
    const { messages, interrupted } = ask();
    if (!interrupted) return messages;
  }
  throw new NetlinkError(name, EAGAIN, "what is listed changes all the time");
}

/** What the kernel answered. */
export interface Answer {
  readonly messages: Message[];
  /** Whether what was listed changed meanwhile. */
  readonly interrupted: boolean;
}

/**
 * Puts an answer together from the datagrams that it comes in: any number of messages, and one that
 * says that it was all, or why not.
 *
 * @example An acknowledgement
 * ```ts
 * import { assert } from "@std/assert";
 * import { encodeMessage } from "./message.ts";
 * import { AnswerReader } from "./socket.ts";
 *
 * const reader = new AnswerReader("RTM_NEWLINK", 1);
 * reader.take(encodeMessage({ type: 2, flags: 0, sequence: 1, body: new Uint8Array(20) }));
 * assert(reader.isComplete && reader.messages.length === 0);
 * ```
 */
export class AnswerReader implements Answer {
  readonly messages: Message[] = [];
  /** Whether the last message was there. */
  isComplete = false;
  interrupted = false;
  readonly #name: string;
  readonly #sequence: number;

  /** Reads the answer to the request of a name and a sequence number. */
  constructor(name: string, sequence: number) {
    this.#name = name;
    this.#sequence = sequence;
  }

  /**
   * Takes a datagram. Messages with another sequence number answer a request that was given up.
   *
   * @throws {NetlinkError} if it says that the request failed
   * @throws {NetlinkFormatError}
   */
  take(datagram: Uint8Array<ArrayBuffer>): void {
    for (const message of decodeMessages(datagram)) {
      if (message.sequence !== this.#sequence || this.isComplete) continue;
      if ((message.flags & NLM_F_DUMP_INTR) !== 0) this.interrupted = true;
      if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) this.#end(message);
      else this.messages.push(message);
    }
  }

  #end(message: Message): void {
    this.isComplete = true;
    const { body, flags, type } = message;
    // An old kernel ends a list without the number.
    if (type === NLMSG_DONE && body.length < 4) return;
    if (body.length < 4) throw new NetlinkFormatError("a netlink error without its number");
    const errno = -new DataView(body.buffer, body.byteOffset, body.length).getInt32(0, true);
    if (errno === 0) return;
    const reason = (flags & NLM_F_ACK_TLVS) === 0 ? undefined : reasonIn(message);
    throw new NetlinkError(this.#name, errno, reason);
  }
}

/** The kernel's reason stands behind the errno and, in an error, behind the request's header. */
function reasonIn({ type, flags, body }: Message): string | undefined {
  let at = 4;
  if (type === NLMSG_ERROR) {
    if (body.length < 4 + HEADER_SIZE) return undefined;
    const length = new DataView(body.buffer, body.byteOffset, body.length).getUint32(4, true);
    at += (flags & NLM_F_CAPPED) === 0 ? (length + 3) & ~3 : HEADER_SIZE;
  }
  return new Attributes(body.subarray(at)).text(NLMSGERR_ATTR_MSG);
}

/** Whether the kernel refused a request with an error of a name. */
export function isRefusal(error: unknown, code: string): boolean {
  return (error instanceof NetlinkError || error instanceof SyscallError) && error.code === code;
}
