/**
 * What is on its way on a connection, in a file: if this program is killed, another one that gets
 * the connection can go on where this one stood.
 *
 * What is read is written down before it is taken from the socket, and an answer after it is sent.
 * So a killed program has perhaps answered more than the file says, and never less: an answer may
 * come twice, which a client ignores.
 *
 * What finds no room (ENOSPC) is written as soon as there is some: calls go on meanwhile, and are
 * lost only if this program is killed by then.
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
} from "../../ffi/files/file.ts";
import { failedWith } from "../../ffi/c/errno.ts";
import { tryWrite } from "../../ffi/waiting/stream.ts";
import { type Frame, frameBytes, FrameReader } from "./frame.ts";

const HEADER = 5;
/** What a record tells. */
const READ = 1;
const ANSWERED = 2;
const UNSENT = 3;
/** In bytes: a file that has grown to it is written anew, with what still counts. */
const MOST = 256 << 10;

/** Where a connection stood. */
export interface Standing {
  readonly reader: FrameReader;
  /** The requests without an answer. */
  readonly open: readonly Frame[];
  /** What was read last: it may not have been taken from the socket. */
  readonly last: Uint8Array<ArrayBuffer>;
  /** The rest of an answer of which a part was sent. */
  readonly unsent: Uint8Array<ArrayBuffer>;
  /** How many bytes of the file tell this: what follows is a record that is not whole. */
  readonly whole: number;
}

/** The file. */
export class Journal implements Disposable {
  readonly #path: string;
  #file: Fd;
  #size = 0;
  /** What has found no room yet. */
  #unwritten: Uint8Array<ArrayBuffer> = NOTHING;

  private constructor(path: string, file: Fd) {
    this.#path = path;
    this.#file = file;
  }

  /** An empty one. */
  static begin(path: string): Journal {
    return new Journal(path, open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0o600));
  }

  /** One that another program has begun. */
  static goOn(path: string): { readonly journal: Journal; readonly standing: Standing } {
    const file = open(path, O_RDWR | O_CREAT | O_APPEND, 0o600);
    const journal = new Journal(path, file);
    const bytes = readAll(file);
    const standing = readStanding(bytes);
    journal.#size = bytes.length;
    if (standing.whole < bytes.length) Deno.truncateSync(path, standing.whole);
    journal.#rewrite(standing);
    return { journal, standing };
  }

  /** Bytes are about to be taken from the socket. */
  reading(bytes: Uint8Array<ArrayBuffer>): void {
    this.#append(READ, bytes);
  }

  /** A request has its answer. */
  answered(stream: number): void {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, stream);
    this.#append(ANSWERED, bytes);
    const isWhole = this.#unwritten.length === 0;
    if (isWhole && this.#size > MOST) this.#rewrite(readStanding(Deno.readFileSync(this.#path)));
  }

  /** A part of an answer was sent; with no bytes the rest of it, too. */
  sentAllBut(rest: Uint8Array<ArrayBuffer>): void {
    this.#append(UNSENT, rest);
  }

  /** The connection has ended. */
  [Symbol.dispose](): void {
    if (!this.#file.isOpen) return;
    this.#file.close();
    Deno.removeSync(this.#path);
  }

  #append(type: number, bytes: Uint8Array<ArrayBuffer>): void {
    if (!this.#file.isOpen) return;
    const record = new Uint8Array(HEADER + bytes.length);
    new DataView(record.buffer).setUint32(0, bytes.length);
    record[4] = type;
    record.set(bytes, HEADER);
    this.#size += record.length;
    this.#unwritten = writeMost(this.#file, joined(this.#unwritten, record));
  }

  /** A new file takes the place of the old one once it is whole; without room for it the old one stays. */
  #rewrite({ open: requests, reader, unsent }: Standing): void {
    const [old, size] = [this.#file, this.#size];
    const fresh = `${this.#path}.new`;
    this.#file = open(fresh, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0o600);
    this.#size = 0;
    for (const { stream, type, flags, data } of requests) {
      if (data !== undefined) this.#append(READ, whole(stream, type, flags, data));
    }
    this.#append(READ, reader.pending);
    this.#append(UNSENT, unsent);
    if (this.#unwritten.length === 0) {
      old.close();
      return Deno.renameSync(fresh, this.#path);
    }
    this.#file.close();
    Deno.removeSync(fresh);
    [this.#file, this.#size, this.#unwritten] = [old, size, NOTHING];
  }
}

const NOTHING: Uint8Array<ArrayBuffer> = new Uint8Array(0);

function joined(first: Uint8Array<ArrayBuffer>, second: Uint8Array<ArrayBuffer>) {
  if (first.length === 0) return second;
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}

/** Writes what there is room for; gives the rest. */
function writeMost(file: Fd, bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  let rest = bytes;
  try {
    while (rest.length > 0) rest = rest.subarray(tryWrite(file, rest) ?? 0);
  } catch (error) {
    if (!failedWith(error, "ENOSPC", "EDQUOT")) throw error;
  }
  return rest;
}

function whole(
  stream: number,
  type: number,
  flags: number,
  data: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const bytes = frameBytes(stream, type, data);
  bytes[9] = flags;
  return bytes;
}

/** A record at the end that is not whole was about to be written; what it tells did not happen. */
function readStanding(bytes: Uint8Array<ArrayBuffer>): Standing {
  const reader = new FrameReader();
  const open = new Map<number, Frame>();
  let [last, unsent] = [new Uint8Array(0), new Uint8Array(0)];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (at + HEADER <= bytes.length) {
    const end = at + HEADER + view.getUint32(at);
    if (end > bytes.length) break;
    const content = bytes.slice(at + HEADER, end);
    const type = view.getUint8(at + 4);
    if (type === READ) {
      for (const frame of reader.take(content)) open.set(frame.stream, frame);
      last = content;
    } else if (type === ANSWERED) open.delete(new DataView(content.buffer).getUint32(0));
    else unsent = content;
    at = end;
  }
  return { reader, open: [...open.values()], last, unsent, whole: at };
}
