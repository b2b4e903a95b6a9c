/**
 * What containerd is to be told, in a file: if this program is killed, the next one tells what has
 * not arrived. What arrived just then is told twice.
 *
 * @module
 */

import {
  type Fd,
  O_APPEND,
  O_CREAT,
  O_RDWR,
  O_TRUNC,
  open,
  readAll,
  writeAll,
} from "../../../ffi/files/file.ts";
import { failedWith } from "../../../ffi/c/errno.ts";
import { rename } from "../../../ffi/files/entries.ts";

const HEADER = 4;
/** In bytes: a file that has grown to it is written anew, once most of it has arrived. */
const MOST = 64 << 10;

/** The file: what waits, each with its length before it; a length of 0 says that the first has arrived. */
export class Outbox implements Disposable {
  readonly #path: string;
  readonly #waiting: Uint8Array<ArrayBuffer>[];
  #file: Fd;
  #size: number;
  #held = 0;
  /** Whether the file says what waits: there was room for all of it. */
  #isWhole = true;

  /** Goes on with what another program has left there. */
  constructor(path: string) {
    this.#path = path;
    this.#file = open(path, O_RDWR | O_CREAT | O_APPEND, 0o600);
    const bytes = readAll(this.#file);
    this.#waiting = readWaiting(bytes);
    this.#held = this.#waiting.reduce((sum, { length }) => sum + HEADER + length, 0);
    this.#size = bytes.length;
    if (this.#size === this.#held) return;
    try {
      this.#rewrite();
    } catch (error) {
      if (!failedWith(error, "ENOSPC", "EDQUOT")) throw error; // it is written anew with the next one
    }
  }

  /** What waits, in its order. */
  get waiting(): readonly Uint8Array<ArrayBuffer>[] {
    return this.#waiting;
  }

  /**
   * Adds one at the end.
   *
   * @throws {SyscallError} ENOSPC; it waits nevertheless, as long as this program lives
   */
  add(content: Uint8Array<ArrayBuffer>): void {
    this.#waiting.push(content);
    this.#held += HEADER + content.length;
    if (this.#isWhole) this.#append(content);
    else this.#rewrite();
  }

  /**
   * The first one has arrived, or is given up.
   *
   * @throws {SyscallError} ENOSPC; it is given up nevertheless
   */
  shift(): void {
    const first = this.#waiting.shift();
    if (first === undefined) return;
    this.#held -= HEADER + first.length;
    const isMostlyOld = this.#size > MOST + 2 * this.#held;
    if (this.#isWhole && !isMostlyOld) this.#append(new Uint8Array(0));
    else this.#rewrite();
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file.close();
  }

  #append(content: Uint8Array<ArrayBuffer>): void {
    const record = new Uint8Array(HEADER + content.length);
    new DataView(record.buffer).setUint32(0, content.length);
    record.set(content, HEADER);
    this.#isWhole = false;
    writeAll(this.#file, record);
    this.#isWhole = true;
    this.#size += record.length;
  }

  /** A new file takes the place of the old one once it is whole. */
  #rewrite(): void {
    const path = `${this.#path}.new`;
    this.#isWhole = false;
    this.#file.close();
    this.#file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0o600);
    this.#size = 0;
    for (const content of this.#waiting) this.#append(content);
    this.#isWhole = false;
    rename(path, this.#path);
    this.#isWhole = true;
  }
}

/** A record at the end that is not whole was about to be written. */
function readWaiting(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
  const waiting = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + HEADER <= bytes.length;) {
    const end = at + HEADER + view.getUint32(at);
    if (end > bytes.length) break;
    if (end === at + HEADER) waiting.shift();
    else waiting.push(bytes.slice(at + HEADER, end));
    at = end;
  }
  return waiting;
}
