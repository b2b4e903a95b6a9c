/** Messages from a stream of bytes: four bytes that tell how long one is, then it. @module */

import { ByteReader } from "../../streams/byte_reader.ts";

/** In bytes; a longer one is taken for an attempt to fill this program's memory. As objects it takes a dozen times as much. */
export const LONGEST = 64 * 1024 * 1024;
const HEADER = 4;

/** Reads one message after another. */
export class MessageReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  readonly #bytes: ByteReader;

  /** Takes the stream over. */
  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#reader = stream.getReader();
    this.#bytes = new ByteReader(this.#pieces());
  }

  /** The next one; undefined at the stream's end, and for one that is too long. */
  async next(): Promise<string | undefined> {
    const header = await this.#take(HEADER);
    if (header === undefined) return undefined;
    const size = new DataView(header.buffer).getUint32(0, true);
    if (size > LONGEST) {
      await this.end();
      return undefined;
    }
    const bytes = await this.#take(size);
    return bytes && new TextDecoder().decode(bytes);
  }

  /** Reads no more. */
  async end(): Promise<void> {
    await this.#reader.cancel().catch(() => {});
  }

  async #take(size: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const bytes = await this.#bytes.take(size);
    return bytes.length < size ? undefined : bytes;
  }

  /** Up to the end, by the reader: a wait for more can be cut short so. */
  async *#pieces(): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
    try {
      for (;;) {
        const { value, done } = await this.#reader.read();
        if (done) return;
        yield value;
      }
    } catch { /* whoever waits is told that there is no more */ }
  }
}
