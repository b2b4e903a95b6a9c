/**
 * Calls a service over ttrpc.
 *
 * @module
 */

import { pause } from "../../ffi/waiting/abort.ts";
import type { Poller } from "../../ffi/waiting/poll.ts";
import { connectStream } from "../../ffi/sockets/unix_socket.ts";
import { decode, encode } from "../protobuf/message.ts";
import { Channel } from "./channel.ts";
import { Deadlines } from "./deadlines.ts";
import { FRAME, frameBytes, FrameReader } from "./frame.ts";
import { CODE, REQUEST, RESPONSE, type StatusCode, StatusError } from "./messages.ts";

const QUEUE_PAUSE_MS = 10;

/** A call in words. */
export interface Call {
  readonly service: string;
  readonly method: string;
  readonly payload: Uint8Array<ArrayBuffer>;
  /** How long it may take. */
  readonly timeoutMs: number;
  readonly metadata?: Readonly<Record<string, string>>;
}

interface Waiting {
  readonly resolve: (payload: Uint8Array<ArrayBuffer>) => void;
  readonly reject: (error: unknown) => void;
}

/** A connection to a server. */
export class TtrpcClient implements Disposable {
  readonly #channel: Channel;
  readonly #waiting = new Map<number, Waiting>();
  readonly #deadlines = new Deadlines();
  #stream = 1;

  private constructor(channel: Channel) {
    this.#channel = channel;
    void this.#receive();
  }

  /**
   * Connects to the listener at a path.
   *
   * @throws {SyscallError} ENOENT, ECONNREFUSED
   */
  static async connect(path: string, poller: Poller): Promise<TtrpcClient> {
    for (;;) {
      const socket = connectStream(path);
      if (socket !== undefined) return new TtrpcClient(new Channel(socket, poller));
      await pause(QUEUE_PAUSE_MS); // its queue is full
    }
  }

  /** Whether calls can be made; a connection that has ended does not come back. */
  get isOpen(): boolean {
    return this.#channel.isOpen;
  }

  /**
   * Makes a call.
   *
   * @returns the answer's bytes
   * @throws {StatusError} what the server says; `Unavailable` if the connection ends
   */
  async call({ service, method, payload, timeoutMs, metadata = {} }: Call): Promise<
    Uint8Array<ArrayBuffer>
  > {
    if (!this.#channel.isOpen) throw closed();
    const stream = this.#stream;
    this.#stream += 2;
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array<ArrayBuffer>>();
    this.#waiting.set(stream, { resolve, reject });
    const late = () => reject(new StatusError("DeadlineExceeded", `no answer in ${timeoutMs} ms`));
    const inTime = this.#deadlines.add(timeoutMs, late);
    try {
      const request = encode(REQUEST, {
        service,
        method,
        payload,
        timeoutNano: BigInt(timeoutMs) * 1_000_000n,
        metadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
      });
      this.#channel.send(frameBytes(stream, FRAME.request, request));
      return await promise;
    } finally {
      inTime();
      this.#waiting.delete(stream);
    }
  }

  /** Ends it; calls that wait fail. */
  [Symbol.dispose](): void {
    this.#channel[Symbol.dispose]();
  }

  async #receive(): Promise<void> {
    const reader = new FrameReader();
    try {
      for (let bytes; (bytes = await this.#channel.receive()) !== undefined;) {
        for (const { stream, type, data } of reader.take(bytes)) {
          if (type === FRAME.response) this.#settle(stream, data);
        }
      }
    } catch (error) {
      for (const { reject } of this.#waiting.values()) reject(error);
    } finally {
      this.#channel[Symbol.dispose]();
      this.#deadlines[Symbol.dispose]();
      for (const { reject } of this.#waiting.values()) reject(closed());
    }
  }

  #settle(stream: number, data: Uint8Array<ArrayBuffer> | undefined): void {
    const waiting = this.#waiting.get(stream);
    if (waiting === undefined) return;
    if (data === undefined) return waiting.reject(new StatusError("Internal", "a huge answer"));
    const { status, payload } = decode(RESPONSE, data);
    if (status === undefined || status.code === 0) return waiting.resolve(payload);
    const named = Object.entries(CODE).find(([, number]) => number === status.code);
    waiting.reject(new StatusError((named?.[0] ?? "Unknown") as StatusCode, status.message));
  }
}

function closed(): StatusError {
  return new StatusError("Unavailable", "the connection is closed");
}
