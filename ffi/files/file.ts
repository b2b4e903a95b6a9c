/**
 * Files by descriptor: opened relative to a folder, read and written.
 *
 * @module
 */

import { EAGAIN, EINTR, failedWith, SyscallError } from "../c/errno.ts";
import { checked, libc } from "../c/libc.ts";
import { cString, fromCString } from "../c/memory.ts";

/** The current folder, in place of a folder's fd. */
export const AT_FDCWD = -100;
/** Act on the fd itself, with an empty path. */
export const AT_EMPTY_PATH = 0x1000;
/** Act on a symbolic link itself. */
export const AT_SYMLINK_NOFOLLOW = 0x100;
/** unlinkat removes a folder. */
export const AT_REMOVEDIR = 0x200;

/** Flags of open(2); the values differ between CPUs for the four behind the condition. */
const arm = Deno.build.arch === "aarch64";
/** See open(2). */
export const O_RDONLY = 0;
/** See open(2). */
export const O_WRONLY = 1;
/** See open(2). */
export const O_RDWR = 2;
/** See open(2). */
export const O_CREAT = 0o100;
/** See open(2). */
export const O_EXCL = 0o200;
/** See open(2). */
export const O_NOCTTY = 0o400;
/** See open(2). */
export const O_TRUNC = 0o1000;
/** See open(2). */
export const O_APPEND = 0o2000;
/** See open(2). */
export const O_NONBLOCK = 0o4000;
/** See open(2). */
export const O_DIRECTORY: number = arm ? 0o40000 : 0o200000;
/** See open(2). */
export const O_NOFOLLOW: number = arm ? 0o100000 : 0o400000;
/** See open(2). */
export const O_CLOEXEC = 0o2000000;
/** See open(2). */
export const O_PATH = 0o10000000;

/**
 * An open file descriptor, closed once when it is disposed of.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { open, readAll } from "./file.ts";
 *
 * using file = open("/proc/self/comm");
 * assert(readAll(file).length > 0);
 * ```
 */
export class Fd implements Disposable {
  #number: number;

  /** Takes over the descriptor `number`. */
  constructor(number: number) {
    this.#number = number;
  }

  /**
   * The descriptor's number.
   *
   * @throws {SyscallError} EBADF once it is closed
   */
  get number(): number {
    if (this.#number < 0) throw new SyscallError("use of a closed fd", 9);
    return this.#number;
  }

  /** Whether it is still open. */
  get isOpen(): boolean {
    return this.#number >= 0;
  }

  /** Closes it; a second call does nothing. */
  close(): void {
    if (this.#number < 0) return;
    libc.close(this.#number);
    this.#number = -1;
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Gives the number away: whoever takes it closes it. */
  release(): number {
    const number = this.number;
    this.#number = -1;
    return number;
  }
}

/** The number of a folder's fd, or the current folder's stand-in. */
export type Folder = Fd | typeof AT_FDCWD;

/** The number of an fd that may be given by its number. */
export function numberOf(fd: Fd | number): number {
  return typeof fd === "number" ? fd : fd.number;
}

/**
 * Opens a file, close-on-exec: open(2).
 *
 * @throws {SyscallError}
 */
export function open(path: string, flags: number = O_RDONLY, mode = 0): Fd {
  return openAt(AT_FDCWD, path, flags, mode);
}

/** A path as text, or as bytes with a NUL at the end: what the kernel gives need not be UTF-8. */
export type PathBytes = string | Uint8Array<ArrayBuffer>;

/** A path as the kernel takes it. */
export function bytesOf(path: PathBytes): Uint8Array<ArrayBuffer> {
  return typeof path === "string" ? cString(path) : path;
}

/** A path as errors show it. */
export function textOf(path: PathBytes): string {
  return typeof path === "string" ? path : fromCString(path);
}

/**
 * Opens a file relative to a folder, close-on-exec: openat(2).
 *
 * @throws {SyscallError}
 */
export function openAt(folder: Folder, path: PathBytes, flags: number = O_RDONLY, mode = 0): Fd {
  const fd = libc.openat(numberOf(folder), bytesOf(path), flags | O_CLOEXEC, mode);
  if (fd < 0) throw new SyscallError("openat", -fd, textOf(path));
  return new Fd(fd);
}

/**
 * Reads at most `size` bytes once: read(2). Undefined when a non-blocking fd has none ready.
 *
 * @throws {SyscallError}
 */
export function read(fd: Fd, size: number): Uint8Array<ArrayBuffer> | undefined {
  const bytes = new Uint8Array(size);
  const count = readInto(fd, bytes);
  return count === undefined ? undefined : bytes.subarray(0, count);
}

/** The same into bytes that are there; gives how many came. */
export function readInto(fd: Fd, bytes: Uint8Array<ArrayBuffer>): number | undefined {
  for (;;) {
    const count = libc.read(fd.number, bytes, bytes.length);
    if (count >= 0) return count;
    if (count === -EAGAIN) return undefined; // an error object costs more than the call
    if (count !== -EINTR) throw new SyscallError("read", -count);
  }
}

/**
 * Reads until the end.
 *
 * @throws {SyscallError}
 */
export function readAll(fd: Fd): Uint8Array<ArrayBuffer> {
  return readUntil(fd, false);
}

/** Reads until the end, or until a read that gives less than there was room for. */
function readUntil(fd: Fd, isWhole: boolean): Uint8Array<ArrayBuffer> {
  // Most files that hull reads are the kernel's and short: a large buffer costs more than the read.
  let bytes = new Uint8Array(FIRST_READ);
  for (let size = 0;;) {
    if (size === bytes.length) {
      const larger = new Uint8Array(2 * size);
      larger.set(bytes);
      bytes = larger;
    }
    const count = readInto(fd, bytes.subarray(size));
    if (count === undefined) throw new SyscallError("read", EAGAIN);
    size += count;
    if (count === 0 || (isWhole && size < bytes.length)) return bytes.subarray(0, size);
  }
}

/** A page, which the kernel's own files are given in anyway. */
const FIRST_READ = 4096;
const decoder = new TextDecoder();

/**
 * The text of a file, to its end. `Deno.readTextFileSync` makes three times as many calls.
 *
 * @throws {SyscallError}
 */
export function readText(path: string): string {
  using file = open(path);
  return decoder.decode(readAll(file));
}

/**
 * The text of a file of one record, such as /proc/PID/stat: a read that gives less than was asked for
 * is the last one, which saves a call. Of a file with many, such as mountinfo, uid_map or children,
 * each read gives as many as fit whole, so less than was asked for may not be all.
 *
 * @throws {SyscallError}
 */
export function readRecord(path: string): string {
  using file = open(path);
  return decoder.decode(readUntil(file, true));
}

/**
 * Writes all of `bytes`: write(2), again until nothing is left.
 *
 * @throws {SyscallError}
 */
export function writeAll(fd: Fd, bytes: Uint8Array<ArrayBuffer>): void {
  let rest = bytes;
  while (rest.length > 0) {
    try {
      const written = checked("write", libc.write(fd.number, rest, rest.length));
      rest = rest.subarray(written);
    } catch (error) {
      if (!failedWith(error, "EINTR")) throw error;
    }
  }
}
