/**
 * A file that somebody else appends to, truncates or moves away while it is read.
 *
 * @module
 */

import { O_CLOEXEC, O_PATH, open } from "../../../ffi/files/file.ts";
import { S_IFMT, S_IFREG, statAt } from "../../../ffi/files/file_status.ts";
import { syscallFailure } from "../../failures/syscall_failure.ts";
import { ContainerError } from "../../errors.ts";

const CHUNK = 65_536;
const NEWLINE = 10;
/** So many of the bytes before the place are remembered, to see whether they are still there. */
const REMEMBERED = 64;

/** The file of a path, with where in it reading has come to. */
export class FollowedFile implements Disposable {
  readonly #path: string;
  #file: Deno.FsFile;
  #at = 0;
  #before = new Uint8Array();

  /**
   * Opens it, at its beginning.
   *
   * @throws {ContainerError} `SystemError` for what is not there, and what is no regular file
   */
  constructor(path: string) {
    this.#path = path;
    this.#file = openRegular(path);
  }

  /**
   * Goes to where the last lines begin. The file is read backwards, so that a long one costs no more
   * than these lines.
   */
  seekLines(count: number): void {
    const { size } = this.#file.statSync();
    const bytes = new Uint8Array(CHUNK);
    let left = count;
    for (let end = size; end > 0;) {
      const begin = Math.max(0, end - CHUNK);
      this.#file.seekSync(begin, Deno.SeekMode.Start);
      const read = this.#file.readSync(bytes.subarray(0, end - begin)) ?? 0;
      if (read < end - begin) break; // it was truncated meanwhile
      for (let k = read - 1; k >= 0; k--) {
        const isEnd = begin + k === size - 1; // the last line's own end
        if (bytes[k] !== NEWLINE || (isEnd && count > 0)) continue;
        if (--left > 0) continue;
        return this.#goTo(begin + k + 1);
      }
      end = begin;
    }
    this.#goTo(count === 0 ? size : 0);
  }

  #goTo(at: number): void {
    this.#before = this.#bytesBefore(at);
    this.#at = at;
  }

  #bytesBefore(at: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(Math.min(at, REMEMBERED));
    this.#file.seekSync(at - bytes.length, Deno.SeekMode.Start);
    return bytes.subarray(0, this.#file.readSync(bytes) ?? 0);
  }

  /** One that was truncated may have grown beyond the place again, with other bytes before it. */
  #isAnew(): boolean {
    const now = this.#bytesBefore(this.#at);
    return now.length !== this.#before.length || now.some((byte, k) => byte !== this.#before[k]);
  }

  /**
   * What follows where reading has come to, in parts; ends at the file's end. If the file was
   * truncated, it begins anew; if another one has its name now, that follows this one's end.
   */
  *more(): Generator<Uint8Array<ArrayBuffer>, void, void> {
    for (;;) {
      const buffer = new Uint8Array(CHUNK);
      this.#file.seekSync(this.#at, Deno.SeekMode.Start);
      const bytes = buffer.subarray(0, this.#file.readSync(buffer) ?? 0);
      // Looked at after the read: what is still there now was there then.
      if (this.#isAnew()) this.#goTo(0);
      else if (bytes.length > 0) {
        this.#at += bytes.length;
        this.#before = lastOf(this.#before, bytes);
        yield bytes;
      } else if (!this.#moveOn()) return;
    }
  }

  /** Goes to the file that has the path now, if that is another one that has something to read. */
  #moveOn(): boolean {
    try {
      using now = new DisposableStack();
      const file = now.adopt(openRegular(this.#path), (file) => file.close());
      const [old, its] = [this.#file.statSync(), file.statSync()];
      if ((old.ino === its.ino && old.dev === its.dev) || its.size === 0) return false;
      this.#file.close();
      this.#file = file;
      this.#goTo(0);
      now.move();
      return true;
    } catch (error) {
      if (error instanceof ContainerError) return false; // the name is free for a moment
      throw error;
    }
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.#file.close();
  }
}

function lastOf(
  before: Uint8Array<ArrayBuffer>,
  bytes: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(before.length + bytes.length);
  both.set(before);
  both.set(bytes, before.length);
  return both.slice(-REMEMBERED);
}

/** The name may lead to a fifo, an open of which would wait for somebody. */
function openRegular(path: string): Deno.FsFile {
  try {
    using held = open(path, O_PATH | O_CLOEXEC);
    if ((statAt(held, "").mode & S_IFMT) === S_IFREG) {
      return Deno.openSync(`/proc/self/fd/${held.number}`, { read: true });
    }
  } catch (cause) {
    if (cause instanceof Deno.errors.PermissionDenied) throw unreadable(path, "EACCES", cause);
    throw syscallFailure(cause, "SystemError", "cannot read the container's output", {
      path,
      hint: "somebody has moved or removed it, or it is another user's",
    });
  }
  throw new ContainerError("SystemError", `the container's output ${path} is no regular file`, {
    path,
    hint: "hull logs reads files alone; who reads the other end of this one has the output",
  });
}

function unreadable(path: string, errno: string, cause: unknown): ContainerError {
  return new ContainerError("SystemError", `cannot read the container's output ${path}`, {
    path,
    errno,
    hint: "it belongs to whoever made the container: call hull as that user, or as root",
    cause,
  });
}
