/**
 * Reads a stream of pieces by counts of bytes, and holds one piece at a time.
 *
 * @module
 */

/** Bytes as they come. */
export type Pieces = AsyncIterable<Uint8Array<ArrayBuffer>>;

/** A stream of which any number of bytes can be taken. */
export class ByteReader {
  readonly #pieces: AsyncIterator<Uint8Array<ArrayBuffer>>;
  #piece: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #position = 0;

  /** Reads nothing yet. */
  constructor(pieces: Pieces) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** How many bytes were taken. */
  get position(): number {
    return this.#position;
  }

  /**
   * Exactly so many bytes, which stay good; fewer only at the end of the stream.
   *
   * @param count small: they are held in memory
   */
  async take(count: number): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#piece.length >= count) return this.#cut(count).slice();
    const all = new Uint8Array(count);
    let size = 0;
    while (size < count) {
      const piece = await this.some(count - size);
      if (piece === undefined) break;
      all.set(piece, size);
      size += piece.length;
    }
    return all.subarray(0, size);
  }

  /**
   * At least one byte and at most so many, which are good until the next call; undefined at the end
   * of the stream.
   */
  async some(most: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    while (this.#piece.length === 0) {
      const { done, value } = await this.#pieces.next();
      if (done === true) return undefined;
      this.#piece = value;
    }
    return this.#cut(most);
  }

  /** Reads no more, and closes what the stream holds. */
  async close(): Promise<void> {
    await this.#pieces.return?.();
  }

  #cut(most: number): Uint8Array<ArrayBuffer> {
    const cut = this.#piece.subarray(0, most);
    this.#piece = this.#piece.subarray(cut.length);
    this.#position += cut.length;
    return cut;
  }
}
