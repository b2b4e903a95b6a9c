/**
 * Serves calls over ttrpc: any number at once on a connection, each with its own time limit. What a
 * peer sends or fails to send harms its own connection alone.
 *
 * @module
 */

import type { Fd } from "../../ffi/files/file.ts";
import type { Poller } from "../../ffi/waiting/poll.ts";
import { decode, encode } from "../protobuf/message.ts";
import { Channel } from "./channel.ts";
import { Deadlines } from "./deadlines.ts";
import { FRAME, type Frame, frameBytes, FrameReader, MOST_DATA, REMOTE_OPEN } from "./frame.ts";
import type { Journal, Standing } from "./journal.ts";
import { CODE, REQUEST, RESPONSE, StatusError } from "./messages.ts";

/** Calls of one connection that have not been answered. */
const MOST_CALLS = 10_000;

/** What a call comes with. */
export interface CallContext {
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  readonly metadata: ReadonlyMap<string, string>;
  /**
   * Whether another program, which has been killed, may have done what is asked for, in part or as a
   * whole.
   */
  readonly isAgain: boolean;
}

/** Answers a call, or throws a {@linkcode StatusError}. */
export type Handler = (
  payload: Uint8Array<ArrayBuffer>,
  context: CallContext,
) => Promise<Uint8Array>;

/** The handler of a service's method; undefined if there is none. */
export type Methods = (service: string, method: string) => Handler | undefined;

/**
 * Serves one connection until it ends.
 *
 * @param socket is taken over; it must not block
 * @param toStatus what a handler's error is for the caller
 * @param kept where what is on its way is written down, and where another program stood
 */
export async function serveConnection(
  socket: Fd,
  poller: Poller,
  methods: Methods,
  toStatus: (error: unknown) => StatusError,
  kept?: { readonly journal: Journal; readonly standing?: Standing | undefined },
): Promise<void> {
  using channel = new Channel(socket, poller);
  const journal = kept?.journal;
  using calls = new Calls(channel, methods, toStatus, journal);
  const reader = kept?.standing?.reader ?? new FrameReader();
  if (kept?.standing !== undefined) {
    const { last, unsent, open } = kept.standing;
    channel.skip(last);
    if (unsent.length > 0) channel.send(unsent, (rest) => journal?.sentAllBut(rest ?? NOTHING));
    for (const frame of open) calls.take(frame, true);
  }
  const before = journal && ((bytes: Uint8Array<ArrayBuffer>) => journal.reading(bytes));
  for (;;) {
    const bytes = await channel.receive(before);
    if (bytes === undefined) return;
    for (const frame of reader.take(bytes)) calls.take(frame);
  }
}

const NOTHING = new Uint8Array(0);

/** The calls of a connection. */
class Calls implements Disposable {
  readonly #channel: Channel;
  readonly #methods: Methods;
  readonly #toStatus: (error: unknown) => StatusError;
  readonly #journal: Journal | undefined;
  readonly #open = new Map<number, AbortController>();
  readonly #deadlines = new Deadlines();

  constructor(
    channel: Channel,
    methods: Methods,
    toStatus: (error: unknown) => StatusError,
    journal: Journal | undefined,
  ) {
    this.#journal = journal;
    this.#channel = channel;
    this.#methods = methods;
    this.#toStatus = toStatus;
  }

  /** Begins what a frame asks for. */
  take({ stream, type, flags, data }: Frame, isAgain = false): void {
    // data for a stream that there can't be
    if (type !== FRAME.request) return this.#journal?.answered(stream);
    try {
      if (data === undefined) {
        throw new StatusError("ResourceExhausted", `a message has more than ${MOST_DATA} bytes`);
      }
      if (stream % 2 === 0 || this.#open.has(stream)) {
        throw new StatusError("InvalidArgument", `${stream} is no number for a new stream`);
      }
      if ((flags & REMOTE_OPEN) !== 0) throw new StatusError("Unimplemented", "streams of data");
      if (this.#open.size >= MOST_CALLS) {
        throw new StatusError("ResourceExhausted", `${MOST_CALLS} calls have no answer yet`);
      }
      this.#begin(stream, data, isAgain);
    } catch (error) {
      this.#fail(stream, error);
    }
  }

  /** Tells all handlers that nobody waits any more. */
  [Symbol.dispose](): void {
    this.#deadlines[Symbol.dispose]();
    for (const call of this.#open.values()) {
      call.abort(new StatusError("Canceled", "the connection is closed"));
    }
  }

  #begin(stream: number, data: Uint8Array<ArrayBuffer>, isAgain: boolean): void {
    const { service, method, payload, timeoutNano, metadata } = decode(REQUEST, data);
    const handler = this.#methods(service, method);
    if (handler === undefined) {
      throw new StatusError("Unimplemented", `/${service}/${method} is not implemented`);
    }
    const call = new AbortController();
    this.#open.set(stream, call);
    const late = () => {
      const error = new StatusError("DeadlineExceeded", "the call's time is over");
      if (this.#open.get(stream) === call) this.#answer(stream, call, undefined, error);
      call.abort(error);
    };
    const inTime = timeoutNano > 0n
      ? this.#deadlines.add(Number(timeoutNano / 1_000_000n), late)
      : () => {};
    const context = {
      signal: call.signal,
      isAgain,
      metadata: new Map(metadata.map(({ key, value }) => [key, value])),
    };
    Promise.try(() => handler(payload, context)).then(
      (answer) => this.#answer(stream, call, answer),
      (error) => this.#answer(stream, call, undefined, error),
    ).finally(inTime);
  }

  /** Answers, unless that was done already. */
  #answer(stream: number, call: AbortController, payload?: Uint8Array, error?: unknown): void {
    if (this.#open.get(stream) !== call) return;
    this.#open.delete(stream);
    if (payload === undefined) this.#fail(stream, error);
    else this.#send(stream, { payload: payload.slice() });
  }

  #fail(stream: number, error: unknown): void {
    const { code, message } = this.#toStatus(error);
    this.#send(stream, { status: { code: CODE[code], message } });
  }

  #send(
    stream: number,
    response: { payload?: Uint8Array<ArrayBuffer>; status?: { code: number; message: string } },
  ): void {
    const journal = this.#journal;
    const bytes = frameBytes(stream, FRAME.response, encode(RESPONSE, response));
    if (journal === undefined) return this.#channel.send(bytes);
    let isCut = false;
    this.#channel.send(bytes, (rest) => {
      if (rest !== undefined || isCut) journal.sentAllBut(rest ?? NOTHING);
      isCut = true;
      journal.answered(stream);
    });
  }
}
