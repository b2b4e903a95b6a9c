/**
 * A connection to a bus, or to a program that speaks as one: what is sent and received as bytes,
 * and how a connection begins.
 *
 * Source: D-Bus specification, "Authentication Protocol"; unix(7).
 *
 * @module
 */

import { duplicate } from "../../ffi/files/descriptor.ts";
import { type Fd, read } from "../../ffi/files/file.ts";
import { connectStream, sendSome } from "../../ffi/sockets/unix_socket.ts";
import { pause, turn } from "../../ffi/waiting/abort.ts";
import { EPOLLOUT, type Poller } from "../../ffi/waiting/poll.ts";
import { FIXED_SIZE, messageLength } from "./message.ts";
import { DBusFormatError } from "./signature.ts";

const READ_SIZE = 65536;
const RETRY_MS = 20;
/** After so many reads without a wait the event loop gets a turn. */
const READS_A_TURN = 16;
const MOST_LINE = 16384;
const LINE_END = new Uint8Array([13, 10]);

/** The other end has closed the connection. */
export class EndOfStream extends Error {
  override readonly name = "EndOfStream";
}

/** What the other end said when it did not let this user in. */
export class Rejection extends Error {
  override readonly name = "Rejection";
}

/** Sends and receives whole messages, and never blocks. */
export class Connection implements Disposable {
  readonly #socket: Fd;
  #poller: Poller;
  /** The same socket under another number, since one waiter at a time may wait on a number. */
  #sender: Fd | undefined;
  #received = new Uint8Array(0);
  #size = 0;
  #reads = 0;
  #sending: Promise<void> = Promise.resolve();
  #unsent = 0;

  private constructor(socket: Fd, poller: Poller) {
    this.#socket = socket;
    this.#poller = poller;
  }

  /**
   * Connects, and says who this is: SASL with the mechanism EXTERNAL.
   *
   * @param poller waits, and ends the waits once its signal is aborted
   * @param limit ends the waits of this call
   * @throws {SyscallError} if nobody listens
   * @throws {Rejection} if the other end does not let this user in
   * @throws {EndOfStream}
   * @throws the reason of the limit, or of the poller's signal
   */
  static async open(path: string, poller: Poller, limit: AbortSignal): Promise<Connection> {
    let socket = connectStream(path);
    while (socket === undefined) { // the listener's queue is full
      await pause(RETRY_MS, limit);
      socket = connectStream(path);
    }
    using stack = new DisposableStack();
    const connection = stack.use(new Connection(socket, poller.until(limit)));
    await connection.#authenticate();
    connection.#poller = poller;
    stack.move();
    return connection;
  }

  /** Whether it was not closed from this end. */
  get isOpen(): boolean {
    return this.#socket.isOpen;
  }

  /** Whether something waits to be sent. */
  get isSending(): boolean {
    return this.#unsent > 0;
  }

  /**
   * Sends bytes after those of earlier calls: at once where none of these wait. Resolves early if
   * this end is closed meanwhile.
   */
  async send(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const isNext = this.#unsent++ === 0;
    this.#sending = isNext ? this.#sendNow(bytes) : this.#sending.then(() => this.#sendNow(bytes));
    try {
      await this.#sending;
    } finally {
      this.#unsent--;
    }
  }

  async #sendNow(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    let rest = bytes;
    while (this.isOpen) {
      rest = rest.subarray(sendSome(this.#socket, rest));
      if (rest.length === 0) return;
      this.#sender ??= duplicate(this.#socket);
      await this.#poller.wait(this.#sender, EPOLLOUT);
    }
  }

  /**
   * The next whole message; waits for it.
   *
   * @param isWanted asked after {@linkcode Connection.rest} whether to go on
   * @returns undefined if it is not wanted any more; what has come of it is kept
   * @throws {DBusFormatError} if it can't be one
   * @throws {EndOfStream}
   * @throws {SyscallError}
   */
  async receive(isWanted: () => boolean): Promise<Uint8Array | undefined> {
    for (;;) {
      const length = this.#size < FIXED_SIZE ? undefined : messageLength(this.#view);
      if (length !== undefined && length <= this.#size) return this.#take(length);
      if (!this.isOpen || !isWanted()) return undefined;
      await this.#readMore();
    }
  }

  /** Ends the wait for a message. */
  rest(): void {
    if (this.isOpen) this.#poller.cancel(this.#socket);
  }

  /** Closes the socket and ends the waits. */
  [Symbol.dispose](): void {
    for (const fd of [this.#socket, this.#sender]) {
      if (fd?.isOpen !== true) continue;
      this.#poller.cancel(fd);
      fd.close();
    }
  }

  /**
   * The bus is asked to take whoever it sees: a user of a user namespace has another id there.
   *
   * All is said at once, and no message is sent before the answer has come: what systemd reads
   * together with BEGIN it leaves lying until more comes.
   */
  async #authenticate(): Promise<void> {
    const lines = ["\0AUTH EXTERNAL", "DATA", "BEGIN", ""];
    await this.send(new TextEncoder().encode(lines.join("\r\n")));
    const first = await this.#receiveLine();
    const answer = first.startsWith("DATA") ? await this.#receiveLine() : first;
    if (!/^OK\b/.test(answer)) throw new Rejection(answer.slice(0, 200));
  }

  async #receiveLine(): Promise<string> {
    for (;;) {
      const end = this.#view.indexOf(LINE_END[0] as number);
      if (end >= 0 && end + 1 < this.#size) {
        const line = this.#take(end + LINE_END.length);
        if (line[end + 1] !== LINE_END[1]) throw new DBusFormatError("a line does not end");
        return new TextDecoder().decode(line.subarray(0, end));
      }
      if (this.#size > MOST_LINE) throw new DBusFormatError("a line is too long");
      await this.#readMore();
    }
  }

  async #giveTurn(): Promise<void> {
    this.#reads = 0;
    await (this.#poller.isAlone ? turn() : this.#poller.giveTurn());
  }

  get #view(): Uint8Array {
    return this.#received.subarray(0, this.#size);
  }

  #take(length: number): Uint8Array {
    const bytes = this.#received.slice(0, length);
    this.#received.copyWithin(0, length, this.#size);
    this.#size -= length;
    return bytes;
  }

  /** Reads once, or waits. Room is made for what is there, not for what is announced. */
  async #readMore(): Promise<void> {
    if (++this.#reads > READS_A_TURN) await this.#giveTurn(); // limits hold in a flood as well
    if (!this.isOpen) return;
    const bytes = read(this.#socket, READ_SIZE);
    if (bytes === undefined) {
      this.#reads = 0;
      return await this.#poller.waitForSoon(this.#socket);
    }
    if (bytes.length === 0) throw new EndOfStream("the connection was closed");
    if (this.#size + bytes.length > this.#received.length) {
      const larger = new Uint8Array(2 * (this.#size + bytes.length));
      larger.set(this.#view);
      this.#received = larger;
    }
    this.#received.set(bytes, this.#size);
    this.#size += bytes.length;
  }
}
