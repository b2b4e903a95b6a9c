/**
 * The frames of ttrpc: a header of ten bytes, and data.
 *
 * Source: ttrpc's PROTOCOL.md.
 *
 * @module
 */

/** What a frame is. */
export const FRAME = { request: 1, response: 2, data: 3 };
/** Flags of a request: whether more of it follows. */
export const REMOTE_OPEN = 2;

const HEADER = 10;
/** In bytes. */
export const MOST_DATA = 4 << 20;

/** One frame. */
export interface Frame {
  readonly stream: number;
  readonly type: number;
  readonly flags: number;
  /** undefined if it has more than may be. */
  readonly data: Uint8Array<ArrayBuffer> | undefined;
}

/** A frame as bytes. */
export function frameBytes(
  stream: number,
  type: number,
  data: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  view.setUint32(4, stream);
  view.setUint8(8, type);
  bytes.set(data, HEADER);
  return bytes;
}

/** Makes frames of bytes as they come in. */
export class FrameReader {
  #pending: Uint8Array<ArrayBuffer>[] = [];
  #length = 0;
  #dropping = 0;

  /** Takes bytes, and gives the frames that are whole by now. */
  *take(bytes: Uint8Array<ArrayBuffer>): Generator<Frame, void, void> {
    let rest = this.#drop(bytes);
    if (rest.length === 0) return;
    if (this.#length > 0) {
      this.#pending.push(rest);
      this.#length += rest.length;
      if (this.#length < this.#needed()) return;
      rest = this.#joined();
    }
    while (rest.length >= HEADER) {
      const view = new DataView(rest.buffer, rest.byteOffset);
      const size = view.getUint32(0);
      const [stream, type, flags] = [view.getUint32(4), view.getUint8(8), view.getUint8(9)];
      if (size > MOST_DATA) {
        yield { stream, type, flags, data: undefined };
        this.#dropping = size;
        rest = this.#drop(rest.subarray(HEADER));
      } else if (rest.length < HEADER + size) break;
      else {
        yield { stream, type, flags, data: rest.slice(HEADER, HEADER + size) };
        rest = rest.subarray(HEADER + size);
      }
    }
    if (rest.length > 0) {
      this.#pending.push(rest.slice());
      this.#length = rest.length;
    }
  }

  /** The bytes of a frame that is not whole yet. */
  get pending(): Uint8Array<ArrayBuffer> {
    return this.#joinedAgain();
  }

  /** What the frame that has begun needs. */
  #needed(): number {
    if (this.#length < HEADER) return HEADER;
    const first = this.#pending[0] as Uint8Array<ArrayBuffer>;
    const head = first.length >= 4 ? first : this.#joinedAgain();
    const size = new DataView(head.buffer, head.byteOffset).getUint32(0);
    return HEADER + (size > MOST_DATA ? 0 : size);
  }

  #joinedAgain(): Uint8Array<ArrayBuffer> {
    const joined = this.#joined();
    this.#pending = [joined];
    this.#length = joined.length;
    return joined;
  }

  #joined(): Uint8Array<ArrayBuffer> {
    const joined = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#pending.splice(0)) {
      joined.set(part, at);
      at += part.length;
    }
    this.#length = 0;
    return joined;
  }

  #drop(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const dropped = Math.min(this.#dropping, bytes.length);
    this.#dropping -= dropped;
    return bytes.subarray(dropped);
  }
}
