/**
 * An open file of a sandbox.
 *
 * @module
 */

import type { FileInfo } from "./file_types.ts";

/** From where a place in a file is counted: its start, where it is now, its end. */
export enum SeekMode {
  /** From the start. */
  Start = 0,
  /** From where it is. */
  Current = 1,
  /** From the end. */
  End = 2,
}

/** What is known of a file, where the file system tells all of it. */
export function fileInfo(info: Deno.FileInfo): FileInfo {
  const never = new Date(0);
  const { isFile, isDirectory, isSymlink, size, dev } = info;
  return {
    isFile,
    isDirectory,
    isSymlink,
    size,
    mtime: info.mtime ?? never,
    atime: info.atime ?? never,
    birthtime: info.birthtime ?? info.ctime ?? never,
    ctime: info.ctime ?? never,
    dev,
    ino: info.ino ?? 0,
    mode: info.mode ?? 0,
    nlink: info.nlink ?? 0,
    uid: info.uid ?? 0,
    gid: info.gid ?? 0,
    rdev: info.rdev ?? 0,
    blksize: info.blksize ?? 0,
    blocks: info.blocks ?? 0,
    isBlockDevice: info.isBlockDevice === true,
    isCharDevice: info.isCharDevice === true,
    isFifo: info.isFifo === true,
    isSocket: info.isSocket === true,
  };
}

/** An open file, closed when it is disposed of. */
export class FsFile implements AsyncDisposable {
  readonly #file: Deno.FsFile;
  #isOpen = true;

  /** Takes over a file that was opened by `SandboxFs.open`. */
  constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /** What is in it from here on; the file is closed at the end. */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    this.#isOpen = false;
    return this.#file.readable;
  }

  /** Writes from here on; the file is closed with the stream. */
  get writable(): WritableStream<Uint8Array<ArrayBufferLike>> {
    this.#isOpen = false;
    return this.#file.writable;
  }

  /** Writes some of the bytes; gives how many. */
  async write(bytes: Uint8Array): Promise<number> {
    return await this.#file.write(bytes);
  }

  /** Reads some bytes; gives how many, null at the end. */
  async read(bytes: Uint8Array): Promise<number | null> {
    return await this.#file.read(bytes);
  }

  /** Makes it so long. */
  async truncate(length = 0): Promise<void> {
    await this.#file.truncate(length);
  }

  /** Goes to a place; gives the place, counted from the start. */
  async seek(offset: number | bigint, whence: SeekMode): Promise<number> {
    return await this.#file.seek(offset, whence as number);
  }

  /** What it is. */
  async stat(): Promise<FileInfo> {
    return fileInfo(await this.#file.stat());
  }

  /** Has it written to the disk, with what is known of it. */
  async sync(): Promise<void> {
    await this.#file.sync();
  }

  /** Has what is in it written to the disk. */
  async syncData(): Promise<void> {
    await this.#file.syncData();
  }

  /** Sets when it was read and changed last; numbers are seconds since 1970. */
  async utime(atime: number | Date, mtime: number | Date): Promise<void> {
    await this.#file.utime(atime, mtime);
  }

  /** Takes its lock (flock(2)), which programs inside see, too; waits for it. */
  async lock(exclusive = false): Promise<void> {
    await this.#file.lock(exclusive);
  }

  /** Gives the lock back. */
  async unlock(): Promise<void> {
    await this.#file.unlock();
  }

  /** Closes it. */
  close(): Promise<void> {
    if (this.#isOpen) this.#file.close();
    this.#isOpen = false;
    return Promise.resolve();
  }

  /** Closes it, if it is open. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
