/**
 * Questions to the program that evaluates code in a sandbox, and its answers.
 *
 * @module
 */

import { Pipe } from "../../../ffi/files/pipe.ts";
import { Poller } from "../../../ffi/waiting/poll.ts";
import { readableFd, writableFd } from "../../../ffi/waiting/stream.ts";
import { ContainerError } from "../../errors.ts";
import { LineSplitter } from "../../streams/line_splitter.ts";
import type { Answer, Question } from "./driver.ts";
import { decodeValue } from "./values.ts";

/**
 * In characters; more is taken for an attempt to fill this program's memory. As objects a text takes
 * a dozen times as much.
 */
const LONGEST = 64 * 1024 * 1024;

interface Asker {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** The two pipes to the program, and who waits for an answer. */
export class Answers implements Disposable {
  readonly #poller = new Poller();
  readonly #asked = new Pipe();
  readonly #answered = new Pipe();
  readonly #waiting = new Map<number, Asker>();
  #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>> | undefined;
  #reader: ReadableStreamDefaultReader<string> | undefined;
  #last = 0;
  #reading: Promise<void> | undefined;

  /** What the program gets as its first further fds. */
  get passed(): readonly number[] {
    return [this.#asked.reader.number, this.#answered.writer.number];
  }

  /** The program has its fds by now. */
  begin(): void {
    this.#asked.reader.close();
    this.#answered.writer.close();
    this.#writer = writableFd(this.#asked.writer, this.#poller).getWriter();
    this.#writer.closed.catch(() => {});
    this.#reading = this.#read();
  }

  /**
   * Asks, and waits for the answer.
   *
   * @throws what the code threw
   * @throws {ContainerError} `ContainerNotRunning` if the program ends first
   */
  async ask(question: Omit<Question, "id">): Promise<unknown> {
    const id = ++this.#last;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(id, { resolve, reject });
    try {
      const text = `${JSON.stringify({ id, ...question })}\n`;
      await this.#writer?.write(new TextEncoder().encode(text));
    } catch {
      this.#endAll();
    }
    return await promise;
  }

  /** The program has ended. What it has started may hold the pipes still, which does not matter. */
  async end(): Promise<void> {
    await this.#writer?.abort().catch(() => {});
    await this.#reader?.cancel().catch(() => {});
    await this.#reading;
    this[Symbol.dispose]();
  }

  /** Closes the pipes. */
  [Symbol.dispose](): void {
    this.#asked[Symbol.dispose]();
    this.#answered[Symbol.dispose]();
    this.#poller[Symbol.dispose]();
  }

  async #read(): Promise<void> {
    const splitter = new LineSplitter();
    const stream = readableFd(this.#answered.reader, this.#poller);
    const reader = this.#reader = stream.pipeThrough(new TextDecoderStream()).getReader();
    try {
      while (splitter.rest.length <= LONGEST) {
        const { value, done } = await reader.read();
        if (done) break;
        for (const line of splitter.take(value)) this.#take(line);
      }
      await reader.cancel();
    } catch { /* the program says what can't be read */ }
    this.#endAll();
  }

  /** Whoever can write to the pipe may say anything; what fits no question is dropped. */
  #take(line: string): void {
    const { id, value, thrown } = JSON.parse(line) as Partial<Answer>;
    const asker = this.#waiting.get(id ?? 0);
    if (asker === undefined) return;
    this.#waiting.delete(id ?? 0);
    try {
      const text = thrown ?? value;
      // Any other thing may be so large that to make a text of it takes long.
      if (typeof text !== "string") throw new TypeError("the answer holds no value");
      if (thrown === undefined) asker.resolve(decodeValue(text));
      else asker.reject(decodeValue(text));
    } catch (error) {
      asker.reject(error);
    }
  }

  #endAll(): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) {
      reject(new ContainerError("ContainerNotRunning", "the program that evaluates has ended"));
    }
  }
}
