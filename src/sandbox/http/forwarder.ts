/**
 * Connections of the host that are passed on to a port of a sandbox.
 *
 * @module
 */

import { duplicate } from "../../../ffi/files/descriptor.ts";
import type { Fd } from "../../../ffi/files/file.ts";
import { shutDownWriting } from "../../../ffi/sockets/socket.ts";
import type { Poller } from "../../../ffi/waiting/poll.ts";
import { readableFd, writableFd } from "../../../ffi/waiting/stream.ts";

/** Passes on what comes to a listener, which it takes over. */
export class Forwarder implements AsyncDisposable {
  readonly #listener: Deno.TcpListener | Deno.UnixListener;
  readonly #connect: () => Promise<Fd>;
  readonly #poller: Poller;
  readonly #open = new Set<Disposable>();
  readonly #accepting: Promise<void>;

  /**
   * Begins. It keeps no program alive.
   *
   * @param connect makes the inner end of a connection
   */
  constructor(
    listener: Deno.TcpListener | Deno.UnixListener,
    connect: () => Promise<Fd>,
    poller: Poller,
  ) {
    listener.unref();
    this.#listener = listener;
    this.#connect = connect;
    this.#poller = poller;
    this.#accepting = this.#accept();
  }

  /** Closes the listener and all that came by it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.ref(); // so that the end of the accepting is seen
    this.#listener.close();
    await this.#accepting;
    for (const each of [...this.#open]) each[Symbol.dispose]();
  }

  async #accept(): Promise<void> {
    try {
      // A connection that fails is told to its own two ends.
      for await (const outer of this.#listener) this.#pass(outer).catch(() => {});
    } catch { /* it was closed */ }
  }

  async #pass(outer: Deno.Conn): Promise<void> {
    const ended = new AbortController();
    const entry = { [Symbol.dispose]: () => ended.abort() };
    this.#open.add(entry);
    const { signal } = ended;
    try {
      using inner = await this.#connect();
      using writing = duplicate(inner);
      const shut = new WritableStream<Uint8Array<ArrayBuffer>>(sinkOf(writing, this.#poller));
      const inwards = outer.readable.pipeTo(shut, { signal });
      const outwards = readableFd(inner, this.#poller).pipeTo(outer.writable, { signal });
      await Promise.allSettled([
        inwards.catch((error) => ended.abort(error)),
        outwards.then(() => ended.abort()),
      ]);
    } finally {
      this.#open.delete(entry);
      try {
        outer.close();
      } catch { /* its streams have closed it */ }
    }
  }
}

/** A client that has said all still waits for the answer: only this way is closed. */
function sinkOf(fd: Fd, poller: Poller): UnderlyingSink<Uint8Array<ArrayBuffer>> {
  const writer = writableFd(fd, poller).getWriter();
  writer.closed.catch(() => {});
  return {
    write: (chunk) => writer.write(chunk),
    close() {
      shutDownWriting(fd);
      return writer.close();
    },
    abort: (reason) => writer.abort(reason),
  };
}
