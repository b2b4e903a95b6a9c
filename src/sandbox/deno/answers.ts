/**
 * Questions to the Deno that evaluates code in a sandbox, and its answers.
 *
 * @module
 */

import { type SocketPair, socketPair } from "../../../ffi/sockets/socket.ts";
import { Poller } from "../../../ffi/waiting/poll.ts";
import { readableFd, writableFd } from "../../../ffi/waiting/stream.ts";
import { ContainerError } from "../../errors.ts";
import { type Said, SETUP, THROWN, VALUE } from "./driver.ts";
import { MessageReader } from "./messages.ts";
import { decodeValue } from "./values.ts";

/** The connection to it. One evaluation follows the other. */
export class Answers implements Disposable {
  readonly #poller = new Poller();
  readonly #pair: SocketPair = socketPair();
  #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>> | undefined;
  #messages: MessageReader | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  /** What Deno gets as its first further fd. */
  get passed(): readonly number[] {
    return [this.#pair.theirs.number];
  }

  /** Deno has its fd by now. */
  begin(): void {
    const { ours, theirs } = this.#pair;
    theirs.close();
    this.#writer = writableFd(ours, this.#poller).getWriter();
    this.#writer.closed.catch(() => {});
    this.#messages = new MessageReader(readableFd(ours, this.#poller));
    this.#turn = this.#run(SETUP, false).catch(() => {}); // whoever asks next is told
  }

  /**
   * Has code evaluated; gives its value.
   *
   * @throws what the code threw
   * @throws {ContainerError} `ContainerNotRunning` if the program ends first
   */
  async ask(code: string): Promise<unknown> {
    const evaluated = this.#turn.then(() => this.#evaluate(code));
    this.#turn = evaluated.catch(() => {}); // thrown to who asked
    return await evaluated;
  }

  /** The program has ended. What it has started may hold the connection still, which does not matter. */
  async end(): Promise<void> {
    await this.#writer?.abort().catch(() => {});
    await this.#messages?.end();
    await this.#turn;
    this[Symbol.dispose]();
  }

  /** Closes the connection. */
  [Symbol.dispose](): void {
    this.#pair[Symbol.dispose]();
    this.#poller[Symbol.dispose]();
  }

  async #evaluate(code: string): Promise<unknown> {
    if (await this.#succeeds(code)) {
      const value = await this.#run(VALUE, true);
      if (value.type === "RunSuccess") return decodeValue(textOf(value));
    }
    throw decodeValue(textOf(await this.#run(THROWN, true)));
  }

  async #succeeds(code: string): Promise<boolean> {
    const said = await this.#run(code, false);
    if (said.type === "Error") throw noCode(String(said.error));
    return said.type === "RunSuccess";
  }

  async #run(code: string, output: boolean): Promise<Said> {
    // Half a surrogate pair is no text to Deno, which would end.
    const text = JSON.stringify({ type: "Run", code: code.toWellFormed(), output });
    const message = new TextEncoder().encode(text);
    const bytes = new Uint8Array(4 + message.length);
    new DataView(bytes.buffer).setUint32(0, message.length, true);
    bytes.set(message, 4);
    try {
      await this.#writer?.write(bytes);
    } catch {
      throw ended();
    }
    const answer = await this.#messages?.next();
    if (answer === undefined) throw ended();
    return saidIn(answer);
  }
}

/** Whoever can write to the connection may say anything. */
function saidIn(text: string): Said {
  try {
    const said: unknown = JSON.parse(text);
    if (typeof said === "object" && said !== null) return said as Said;
  } catch { /* it is no JSON */ }
  throw new TypeError("the answer is none");
}

function textOf(said: Said): string {
  if (said.type === "RunSuccess" && typeof said.output === "string") return said.output;
  throw new TypeError("the answer holds no value");
}

/** The error of code that is none: `SyntaxError: …`. */
function noCode(text: string): Error {
  const [, name = "SyntaxError", message = text] = /^(\w*Error): ([^]*)$/.exec(text) ?? [];
  const error = new Error(message);
  Object.defineProperty(error, "name", { value: name, configurable: true, writable: true });
  return error;
}

function ended(): ContainerError {
  return new ContainerError("ContainerNotRunning", "the program that evaluates has ended");
}
