/** Messages from a stream of bytes: four bytes that tell how long one is, then it. @module */

/** In bytes; a longer one is taken for an attempt to fill this program's memory. As objects it takes a dozen times as much. */
export const LONGEST = 64 * 1024 * 1024;
const HEADER = 4;

/** Reads one message after another. */
export class MessageReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  /** What has come and was not asked for yet. */
  #rest = new Uint8Array(0);

  /** Takes the stream over. */
  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#reader = stream.getReader();
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

  /** The room is made first: what comes byte by byte takes no more of it. */
  async #take(size: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const all = new Uint8Array(size);
    for (let at = 0;;) {
      const piece = this.#rest.subarray(0, size - at);
      all.set(piece, at);
      at += piece.length;
      this.#rest = this.#rest.subarray(piece.length);
      if (at === size) return all;
      const { value, done } = await this.#reader.read().catch(() => ({
        value: undefined,
        done: true,
      }));
      if (done || value === undefined) return undefined;
      this.#rest = value;
    }
  }
}
