/**
 * The connection to a client: what it is sent, and what it says. See client_program.ts.
 *
 * @module
 */

import { SyscallError } from "../../../ffi/c/errno.ts";
import { duplicate } from "../../../ffi/files/descriptor.ts";
import type { Fd } from "../../../ffi/files/file.ts";
import { letOthersRun } from "../../../ffi/processes/scheduler.ts";
import { receivePacket, sendPackets, type Sent } from "../../../ffi/sockets/packet_socket.ts";
import { comesWithin } from "../../../ffi/waiting/abort.ts";
import { EPOLLOUT, type Poller } from "../../../ffi/waiting/poll.ts";
import { ContainerError } from "../../errors.ts";
import { END_SIZE } from "./client_end.ts";
import { BEGINS_WITHIN_MS, FRAME_SIZE, STREAMS_SIZE } from "./client_program.ts";
import { SIGNAL_SIZE, signalIn } from "./client_signals.ts";

/** The caller is gone: nobody is left to do anything for. */
export class ClientGone extends Error {
  override readonly name = "ClientGone";
}

type Bytes = Uint8Array<ArrayBuffer>;

/** Who is told what a client says; the messages are told apart by their size. */
export interface ClientListener {
  /** A program that it was sent, with the results of its calls. */
  answered(memory: Bytes): void;
  /** A signal that it got. */
  signalled(number: number): void;
  /** Its standard streams. */
  passed(streams: readonly Fd[]): void;
  /** How a child ended: siginfo_t. */
  ended(info: Bytes): void;
  /** That it is gone. */
  left(): void;
}

/** A connection, and whether the client's first message is still to come. */
export interface Connection {
  readonly socket: Fd;
  readonly isToSayHello: boolean;
}

/** How many fds a client passes. */
const STREAMS = 3;

/** A connection. */
export class ClientChannel implements Disposable {
  readonly #socket: Fd;
  readonly #poller: Poller;
  readonly #listener: ClientListener;
  /** The greatest size of what it may say now: memory for more would be cleared each time. */
  #expected = END_SIZE;
  /** How many fds it may pass. */
  #passes = 0;

  #isToSayHello: boolean;
  readonly #hello = Promise.withResolvers<void>();

  /** Takes it over, and begins to listen. */
  constructor({ socket, isToSayHello }: Connection, poller: Poller, listener: ClientListener) {
    this.#socket = socket;
    this.#isToSayHello = isToSayHello;
    this.#poller = poller;
    this.#listener = listener;
    if (!isToSayHello) this.#hello.resolve();
    this.#listen().catch(() => listener.left()).finally(() => this.#hello.resolve());
  }

  /**
   * Waits, for as long as a client does, until it has said hello, or is gone. Who closes the socket
   * before that, while the hello lies there unread, has the kernel tell the client of a broken connection
   * before what was sent to it.
   */
  async heard(): Promise<void> {
    if (this.#isToSayHello) await comesWithin(this.#hello.promise, BEGINS_WITHIN_MS);
  }

  /** An answer of so many bytes is awaited, and its streams or not. */
  expect(size: number, hasStreams: boolean): void {
    this.#expected = Math.max(END_SIZE, size);
    this.#passes = hasStreams ? STREAMS : 0;
  }

  /**
   * Sends a program, and behind it what that takes: messages, then fds.
   *
   * @throws {ClientGone}
   */
  async send(
    memory: Bytes,
    messages: readonly Bytes[] = [],
    fds: readonly number[] = [],
  ): Promise<void> {
    if (memory.length > FRAME_SIZE) {
      throw new ContainerError("SystemError", "the caller's process can't take so long a program");
    }
    let left: readonly Sent[] = [
      { bytes: memory },
      ...messages.map((bytes) => ({ bytes })),
      ...(fds.length === 0 ? [] : [{ bytes: new Uint8Array(1), fds }]),
    ];
    for (;;) {
      left = left.slice(unlessGone(() => sendPackets(this.#socket, left)));
      if (left.length === 0) return letOthersRun(); // the caller waits for the client
      using way = duplicate(this.#socket); // the socket itself is waited for already
      await this.#poller.wait(way, EPOLLOUT);
    }
  }

  /** Takes what it has said up to now, at once. */
  hear(): void {
    while (this.#socket.isOpen && this.#take() === "more");
  }

  /** Leaves it: it finds that nobody serves it. */
  [Symbol.dispose](): void {
    if (!this.#socket.isOpen) return;
    this.#poller.cancel(this.#socket);
    this.#socket.close();
  }

  /** But for its hello, a client says nothing before it is asked. */
  async #listen(): Promise<void> {
    for (let found = "nothing";; found = this.#take()) {
      if (found === "nothing") await this.#poller.wait(this.#socket);
      if (found === "end" || !this.#socket.isOpen) return this.#listener.left();
    }
  }

  /** Takes one message. */
  #take(): "more" | "nothing" | "end" {
    const listener = this.#listener;
    const packet = unlessGone(() => receivePacket(this.#socket, this.#expected, this.#passes));
    if (packet === undefined) return "nothing";
    const { bytes, fds } = packet;
    if (bytes.length === 0) return "end";
    if (this.#isToSayHello) {
      this.#isToSayHello = false;
      this.#hello.resolve();
      return "more";
    }
    if (bytes.length === STREAMS_SIZE) listener.passed(fds);
    else if (bytes.length === SIGNAL_SIZE) listener.signalled(signalIn(bytes));
    else if (bytes.length === END_SIZE) listener.ended(bytes);
    else listener.answered(bytes);
    return "more";
  }
}

function unlessGone<Result>(call: () => Result): Result {
  try {
    return call();
  } catch (error) {
    if (error instanceof SyscallError && /^(EPIPE|ECONNRESET|EBADF)$/.test(error.code)) {
      throw new ClientGone();
    }
    throw error;
  }
}
